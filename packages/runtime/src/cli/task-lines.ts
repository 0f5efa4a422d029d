import { stepName, type Report, type StoredArtifact, type TaskStatus } from '@run-pipeline/core/model';
import { runMetrics, type RunMetric } from '@run-pipeline/core/run-view';
import { decodeJsonValue, toJson } from '../artifacts/index.js';
import { flatParameters, type TaskView } from '../tasks/index.js';
import { failureLines } from '../terminal/failure.js';
import { printableWord } from '../terminal/sanitise.js';
import { metricCells } from '../terminal/shown-on-run.js';
import { paintStatus, SYMBOLS } from '../terminal/step-lines.js';
import type { Style } from '../terminal/style.js';
import { tableLines } from '../terminal/table.js';
import { count, formatAge, formatBytes, formatDuration } from '../terminal/units.js';
import { cut } from '../terminal/width.js';
import type { Context } from './context.js';

const symbolOf = (status: TaskStatus): string => (status === 'published' ? '◆' : SYMBOLS[status]);

/** `✔ completed`, `· draft`. */
export function taskStatus(style: Style, { status, progress }: TaskView): string {
  const word = status === 'created' ? 'draft' : status;
  const far = status === 'running' && progress !== undefined ? ` ${Math.round(progress)} %` : '';
  const text = `${symbolOf(status)} ${word}${far}`;
  return status === 'published' ? style.info(text) : paintStatus(style, status, text);
}

type Metric = Omit<RunMetric, 'from'>;

/** Of each curve the last point, and the single values. */
export const lastMetrics = (reports: readonly Report[]): readonly Metric[] =>
  runMetrics({ reports: reports.map((report) => ({ from: stepName('task'), report })) }).map(
    ({ from: _from, ...metric }) => metric,
  );

/** `run-pipeline task show`. */
export function taskLines(
  context: Context,
  task: TaskView,
  {
    artifacts,
    metrics,
  }: { readonly artifacts: readonly StoredArtifact[]; readonly metrics: readonly Metric[] },
): readonly string[] {
  const { style } = context;
  const { script, error } = task;
  const took =
    task.startedAt === undefined || task.finishedAt === undefined
      ? ''
      : `, took ${formatDuration(Date.parse(task.finishedAt) - Date.parse(task.startedAt))}`;
  const git = script?.git;
  const facts: readonly (readonly [string, string])[] = [
    ['task', task.id],
    ['type', task.type],
    ['tags', task.tags.map(printableWord).join(', ')],
    ['comment', cut(printableWord(task.comment), 100)],
    ['cloned from', task.parent ?? ''],
    ['step of run', task.step === undefined ? '' : (task.run ?? '')],
    ['queue', task.queue === undefined ? '' : printableWord(task.queue)],
    ['attempts', task.attempt > 1 ? String(task.attempt) : ''],
    ['script', script === undefined ? '' : printableWord(script.file)],
    [
      'git',
      git === undefined
        ? ''
        : printableWord(
            `${git.commit.slice(0, 12)}${git.branch === undefined ? '' : ` on ${git.branch}`}${git.dirty ? ', with changes' : ''}`,
          ),
    ],
    [
      'npm packages',
      Object.entries(script?.dependencies ?? {})
        .map(([name, version]) => printableWord(`${name}@${version}`))
        .join(', '),
    ],
  ];
  const shown = (value: unknown): string =>
    cut(printableWord(value === undefined ? 'undefined' : JSON.stringify(toJson(value))), 80);
  const lines = [
    `${taskStatus(style, task)} ${style.bold(printableWord(`${task.project}/${task.name}`))} ${style.dim(
      `${formatAge(Date.now() - Date.parse(task.createdAt))}${took}`,
    )}`,
    ...tableLines(
      facts.filter(([, value]) => value !== '').map(([name, value]) => [style.dim(name), value]),
      { indent: '  ' },
    ),
  ];
  const parameters = Object.entries(flatParameters(task.parameters));
  if (parameters.length > 0) {
    lines.push('', style.bold(count(parameters.length, 'parameter')));
    lines.push(
      ...tableLines(
        parameters.map(([name, value]) => [printableWord(name), shown(value)]),
        { indent: '  ' },
      ),
    );
  }
  const configurations = Object.entries(task.configurations);
  if (configurations.length > 0) {
    lines.push('', style.bold(count(configurations.length, 'configuration')));
    lines.push(
      ...tableLines(
        configurations.map(([name, value]) => [printableWord(name), shown(decodeJsonValue(value))]),
        { indent: '  ' },
      ),
    );
  }
  if (metrics.length > 0) {
    lines.push('', style.bold(count(metrics.length, 'metric')));
    lines.push(
      ...tableLines(
        metrics.map((metric) => metricCells(metric, style)),
        { indent: '  ' },
      ),
    );
  }
  if (artifacts.length > 0) {
    lines.push('', style.bold(count(artifacts.length, 'artifact')));
    const rows = artifacts.map(({ record }) => [
      printableWord(record.name),
      style.dim(printableWord(record.type)),
      formatBytes(record.size),
      style.dim(cut(printableWord(record.preview ?? ''), 60)),
    ]);
    lines.push(...tableLines(rows, { indent: '  ', columns: context.out.stream.columns }));
  }
  if (error !== undefined) {
    const { name, status, attempt } = task;
    lines.push('', ...failureLines(style, { step: name, status, error, attempt }, context));
  }
  return lines;
}
