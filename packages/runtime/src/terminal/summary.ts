import type { Progress } from './progress.js';
import { failureLines, type FailureReport } from './failure.js';
import { printableWord } from './sanitise.js';
import { paintStatus } from './step-lines.js';
import type { Style } from './style.js';
import type { Tally } from './tally.js';
import { count, formatBytes, formatDuration } from './units.js';
import { cut, displayWidth, pad } from './width.js';

const MOST_FAILURES = 3;
const MOST_ARTIFACTS = 8;
const NAME_WIDTH = 48;

export interface SummaryOptions {
  readonly style: Style;
  readonly tally: Tally;
  readonly progress: Progress;
  /** The last lines of a step's output. */
  readonly tail: (step: string) => readonly string[];
  /** Executions a step may have, when known. */
  readonly attempts: (step: string) => number | undefined;
  readonly inputs: (step: string) => readonly { readonly name: string; readonly shown: string }[];
  readonly trace: boolean;
}

/** The end of a run: its failures in full, how it went, what it made, what to do next. */
export function summaryLines(options: SummaryOptions): readonly string[] {
  const { tally, style } = options;
  const { run, end } = tally;
  if (run === undefined || end === undefined) return [];
  const lines: string[] = [...failureBlocks(options)];
  const symbol = end.status === 'completed' ? '✔' : end.status === 'failed' ? '✖' : '■';
  const name = style.bold(`${printableWord(run.pipeline)} #${run.number} ${end.status}`);
  lines.push(
    `${paintStatus(style, end.status, symbol)} ${name} in ${formatDuration(end.durationMs)} · ${counts(options)}`,
  );
  lines.push(...artifactLines(options));
  lines.push(...nextLines(options));
  return lines;
}

function failureBlocks(options: SummaryOptions): readonly string[] {
  const { style, tally, progress } = options;
  const lines: string[] = [];
  const roots = tally.failures.filter(({ step }) => !progress.groups.has(step));
  const failures = roots.length > 0 ? roots : tally.failures;
  for (const { step, end } of failures.slice(0, MOST_FAILURES)) {
    const report: FailureReport = {
      step,
      status: end.status,
      error: end.error ?? { name: 'Error', message: 'no reason was recorded' },
      attempt: end.attempt,
      attempts: options.attempts(step),
      inputs: options.inputs(step),
      output: options.tail(step),
      skipped: progress.skippedBelow(step),
    };
    lines.push('', ...failureLines(style, report, options));
  }
  const left = failures.length - MOST_FAILURES;
  if (left > 0)
    lines.push(
      '',
      style.bad(
        `and ${count(left, 'more failed step', 'more failed steps')} (run-pipeline show ${tally.run!.id})`,
      ),
    );
  // A run can fail of itself: a callback threw, the disk is full. A step's failure says the same already.
  const error = tally.end?.error;
  if (error !== undefined && tally.failures.length === 0 && tally.end!.status !== 'completed') {
    lines.push(
      '',
      ...failureLines(style, { step: 'the run', status: tally.end!.status, error, attempt: 1 }, options),
    );
  }
  if (lines.length > 0) lines.push('');
  return lines;
}

function counts({ progress, tally, style }: SummaryOptions): string {
  const { counts: number, total } = progress;
  if (total === 0) return 'no steps';
  const saved = tally.savedMs >= 1 ? `, saved ${formatDuration(tally.savedMs)}` : '';
  if (number.cached === total) {
    const origin =
      tally.cachedFrom.size === 1
        ? `from run ${printableWord([...tally.cachedFrom][0]!)}`
        : `from ${tally.cachedFrom.size} runs`;
    const all = total === 1 ? 'its one step is cached' : `all ${total} steps cached`;
    return `${style.info(`nothing to execute: ${all}`)} (${tally.cachedFrom.size === 0 ? 'no executions' : origin}${saved})`;
  }
  const parts: string[] = [];
  if (number.completed > 0) parts.push(style.good(`${number.completed} completed`));
  if (number.cached > 0)
    parts.push(
      style.info(`${number.cached} cached`) +
        style.dim(` (${Math.round((number.cached / total) * 100)}%${saved})`),
    );
  if (number.failed > 0) parts.push(style.bad(`${number.failed} failed`));
  if (number.aborted > 0) parts.push(style.warn(`${number.aborted} aborted`));
  if (number.skipped > 0) parts.push(style.dim(`${number.skipped} skipped`));
  return `${count(total, 'step')}: ${parts.join(', ')}`;
}

function artifactLines({ tally, style }: SummaryOptions): readonly string[] {
  const ranked = tally.ranked;
  if (ranked.length === 0) return [];
  const shown = ranked.slice(0, MOST_ARTIFACTS).map(({ step, artifact }) => ({
    name: cut(printableWord(`${step}.${artifact.name}`), NAME_WIDTH),
    type: printableWord(artifact.type),
    size: formatBytes(artifact.size),
    preview: artifact.preview === undefined ? '' : cut(printableWord(artifact.preview), 60),
  }));
  const names = Math.max(...shown.map((item) => displayWidth(item.name)));
  const types = Math.max(...shown.map((item) => displayWidth(item.type)));
  const lines = shown.map((item) =>
    `  ${pad(item.name, names)}  ${style.dim(pad(item.type, types))}  ${pad(item.size, 8, 'left')}  ${style.dim(item.preview)}`.trimEnd(),
  );
  const left = ranked.slice(MOST_ARTIFACTS);
  if (left.length > 0) {
    const bytes = left.reduce((sum, item) => sum + item.artifact.size, 0);
    lines.push(style.dim(`  and ${count(left.length, 'more artifact')} (${formatBytes(bytes)})`));
  }
  return lines;
}

function nextLines({ tally, style }: SummaryOptions): readonly string[] {
  const id = tally.run!.id;
  const lines: [string, string][] = [];
  if (tally.end!.status === 'completed') {
    const first = tally.ranked[0];
    if (first !== undefined)
      lines.push([`run-pipeline get ${id} ${word(`${first.step}.${first.artifact.name}`)}`, 'the value']);
  } else {
    const failed = tally.failures[0]?.step;
    lines.push([`run-pipeline resume ${id}`, 'continue: completed steps are kept']);
    if (failed !== undefined) {
      lines.push([`run-pipeline logs ${id} ${word(failed)}`, 'its whole output']);
      lines.push([`run-pipeline why ${id} ${word(failed)}`, 'why it was executed']);
    }
  }
  const width = Math.max(0, ...lines.map(([command]) => command.length));
  return lines.map(
    ([command, what], index) =>
      `${index === 0 ? style.dim('next: ') : '      '}${style.info(pad(command, width))}  ${style.dim(what)}`,
  );
}

/** As a word of a shell command. */
export function word(text: string): string {
  const clean = printableWord(text);
  return /^[\w./:@=+-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", `'\\''`)}'`;
}
