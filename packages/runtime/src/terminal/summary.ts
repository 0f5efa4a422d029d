import { rootFailures, type RunView, type StepView } from '@run-pipeline/core/run-view';
import { programName } from '../project/as-typed.js';
import type { Progress } from './progress.js';
import { failureLines, type FailureReport } from './failure.js';
import { printableWord } from './sanitise.js';
import { shownOnRun } from './shown-on-run.js';
import { paintStatus, SYMBOLS } from './step-lines.js';
import type { Style } from './style.js';
import { count, formatBytes, formatDuration, listSome } from './units.js';
import { tableLines } from './table.js';
import { cut, pad } from './width.js';

const MOST_FAILURES = 3;
const MOST_AGENTS = 4;
const MOST_ARTIFACTS = 8;
const NAME_WIDTH = 48;
const PREVIEW_WIDTH = 60;

export interface SummaryOptions {
  readonly style: Style;
  readonly progress: Progress;
  /** The last lines of a step's output. */
  readonly tail: (step: string) => readonly string[];
  /** Executions a step may have, when known. */
  readonly attempts: (step: string) => number | undefined;
  readonly inputs: (step: string) => readonly { readonly name: string; readonly shown: string }[];
  readonly trace: boolean;
  /** Of the terminal: previews end there. Undefined where lines may be as long as they like. */
  readonly columns?: number | undefined;
  /** Where the run can be seen in a browser, if it can. */
  readonly page?: string | undefined;
}

/** The end of a run: its failures in full, how it went, what it made, what to do next. */
export function summaryLines(options: SummaryOptions): readonly string[] {
  const { progress, style } = options;
  const { view } = progress;
  if (view.durationMs === undefined) return [];
  const symbol = paintStatus(style, view.status, SYMBOLS[view.status]);
  const shown = shownOnRun(view, options);
  const name = style.bold(`${printableWord(view.pipeline)} #${view.number} ${view.status}`);
  return [
    ...failureBlocks(options),
    `${symbol} ${name} in ${formatDuration(view.durationMs)} · ${counts(options)}`,
    ...agentLines(options),
    ...shown.metrics,
    ...(shown.artifacts.length > 0 ? shown.artifacts : artifactLines(options)),
    ...nextLines(options),
    ...(options.page === undefined ? [] : [`${style.dim('page: ')}${style.info(options.page)}`]),
  ];
}

function failureBlocks(options: SummaryOptions): readonly string[] {
  const { style, progress } = options;
  const { view } = progress;
  const failures = rootFailures(view);
  const lines: string[] = [];
  for (const { step } of failures.slice(0, MOST_FAILURES)) {
    const report: FailureReport = {
      step: step.name,
      status: step.status,
      error: step.error ?? { name: 'Error', message: 'no reason was recorded' },
      attempt: step.attempts,
      attempts: options.attempts(step.name),
      inputs: options.inputs(step.name),
      output: options.tail(step.name),
      skipped: progress.skippedBelow(step.name),
    };
    lines.push('', ...failureLines(style, report, options));
  }
  const left = failures.length - MOST_FAILURES;
  if (left > 0) {
    const more = count(left, 'more failed step', 'more failed steps');
    lines.push('', style.bad(`and ${more} (${programName()} show ${view.id})`));
  }
  // A run can fail of itself: a callback threw, the disk is full. A step's failure says the same already.
  if (view.error !== undefined && failures.length === 0 && view.status !== 'completed') {
    const failure = { step: 'the run', status: view.status, error: view.error, attempt: 1 };
    lines.push('', ...failureLines(style, failure, options));
  }
  return lines.length === 0 ? [] : [...lines, ''];
}

function counts({ progress, style }: SummaryOptions): string {
  const { counts: number, total, savedMs } = progress;
  if (total === 0) return 'no steps';
  const saved = savedMs >= 1 ? `, saved ${formatDuration(savedMs)}` : '';
  if (number.cached === total) {
    const all = total === 1 ? 'its one step is cached' : `all ${total} steps cached`;
    return `${style.info(`nothing to execute: ${all}`)} (${origin(progress.view)}${saved})`;
  }
  const parts: string[] = [];
  if (number.completed > 0) parts.push(style.good(`${number.completed} completed`));
  if (number.cached > 0) {
    const share = style.dim(` (${Math.round((number.cached / total) * 100)}%${saved})`);
    parts.push(style.info(`${number.cached} cached`) + share);
  }
  if (number.failed > 0) parts.push(style.bad(`${number.failed} failed`));
  if (number.aborted > 0) parts.push(style.warn(`${number.aborted} aborted`));
  if (number.skipped > 0) parts.push(style.dim(`${number.skipped} skipped`));
  return `${count(total, 'step')}: ${parts.join(', ')}`;
}

/** Where steps were executed, when some were not executed by the run's own process, here or on an agent. */
function agentLines({ progress: { view, groups }, style }: SummaryOptions): readonly string[] {
  const agents = new Map<string | undefined, number>();
  for (const { name, agent, attemptStartedAt, status } of view.steps.values()) {
    if (attemptStartedAt === undefined || status === 'cached' || groups.has(name)) continue;
    agents.set(agent, (agents.get(agent) ?? 0) + 1);
  }
  const here = agents.get(undefined);
  agents.delete(undefined);
  if (agents.size === 0) return [];
  const parts = [...agents].map(([agent, number]) => `${number} on ${printableWord(agent!)}`);
  if (here !== undefined) parts.push(`${here} by the run itself`);
  return [style.dim(`  executed: ${listSome(parts, MOST_AGENTS)}`)];
}

function origin(view: RunView): string {
  const runs = new Set<string>();
  for (const step of view.steps.values()) if (step.cachedFrom !== undefined) runs.add(step.cachedFrom);
  const [first] = runs;
  return runs.size === 1 ? `from run ${printableWord(first!)}` : `from ${runs.size} runs`;
}

function artifactLines({ progress, style, columns }: SummaryOptions): readonly string[] {
  const ranked = rankedArtifacts(progress.view);
  if (ranked.length === 0) return [];
  const rows = ranked
    .slice(0, MOST_ARTIFACTS)
    .map(({ step, artifact }) => [
      cut(printableWord(`${step.name}.${artifact.name}`), NAME_WIDTH),
      style.dim(printableWord(artifact.type)),
      pad(formatBytes(artifact.size), 8, 'left'),
      style.dim(cut(printableWord(artifact.preview ?? ''), PREVIEW_WIDTH)),
    ]);
  const lines = [...tableLines(rows, { indent: '  ', columns })];
  const left = ranked.slice(MOST_ARTIFACTS);
  if (left.length > 0) {
    const bytes = left.reduce((sum, item) => sum + item.artifact.size, 0);
    lines.push(style.dim(`  and ${count(left.length, 'more artifact')} (${formatBytes(bytes)})`));
  }
  return lines;
}

interface Ranked {
  readonly step: StepView;
  readonly artifact: StepView['artifacts'][number];
}

/**
 * Artifacts of the steps that nothing took from come first, the last of them foremost: the run was made for
 * them. Those of elements are left out, since the mapped step gathers them.
 */
function rankedArtifacts(view: RunView): readonly Ranked[] {
  const parents = new Set<string>();
  for (const step of view.steps.values()) {
    if (step.status === 'skipped') continue;
    for (const parent of step.parents) parents.add(parent);
  }
  const last: Ranked[] = [];
  const others: Ranked[] = [];
  for (const step of view.steps.values()) {
    if (step.of !== undefined) continue;
    const made = step.artifacts.map((artifact) => ({ step, artifact }));
    if (parents.has(step.name)) others.push(...made);
    else last.unshift(...made);
  }
  return [...last, ...others];
}

function nextLines({ progress, style }: SummaryOptions): readonly string[] {
  const { view } = progress;
  const program = programName();
  const lines: [string, string][] = [];
  if (view.status === 'completed') {
    const first = rankedArtifacts(view)[0];
    if (first === undefined) return [];
    lines.push([
      `${program} get ${view.id} ${word(`${first.step.name}.${first.artifact.name}`)}`,
      'the value',
    ]);
  } else {
    const failed = rootFailures(view)[0]?.step.name;
    const how = failed === undefined ? 'continue' : 'the same code again';
    lines.push([`${program} resume ${view.id}`, `${how}; completed steps are kept`]);
    if (failed !== undefined) {
      lines.push([`${program} rerun ${view.id}`, 'the file as it is now']);
      lines.push([`${program} logs ${view.id} ${word(failed)}`, 'its whole output']);
      lines.push([`${program} why ${view.id} ${word(failed)}`, 'why it was executed']);
    }
  }
  const width = Math.max(...lines.map(([command]) => command.length));
  return lines.map(([command, what], index) => {
    const label = index === 0 ? style.dim('next: ') : '      ';
    return `${label}${style.info(pad(command, width))}  ${style.dim(what)}`;
  });
}

/** As a word of a shell command. */
export function word(text: string): string {
  const clean = printableWord(text);
  return /^[\w./:@=+-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", `'\\''`)}'`;
}
