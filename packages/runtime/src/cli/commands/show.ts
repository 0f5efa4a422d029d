import { rootFailures, showRun, type RunView, type StepView } from '@run-pipeline/core/run-view';
import type { RunRow } from '@run-pipeline/core/ports';
import { failureLines } from '../../terminal/failure.js';
import { printable, printableWord } from '../../terminal/sanitise.js';
import { shownOnRun } from '../../terminal/shown-on-run.js';
import { paintStatus, SYMBOLS } from '../../terminal/step-lines.js';
import { tableLines } from '../../terminal/table.js';
import { count, formatAge, formatBytes, formatDuration } from '../../terminal/units.js';
import { cut } from '../../terminal/width.js';
import { printJson, printLines, type Context } from '../context.js';
import { controllerPlace, placeLine, type ControllerPlace } from '../controller-place.js';
import { withRun } from '../project-access.js';
import { viewRun } from '../run-events.js';
import { runName } from '../select-run.js';
import { stuckSteps } from '../stuck-steps.js';
import { programName } from '../../project/as-typed.js';

/** `run-pipeline show RUN` */
export function showCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const view = await viewRun(project.store, row);
    const place = await controllerPlace(project.store, row);
    if (context.json)
      printJson(context, place === undefined ? showRun(view) : { ...showRun(view), controller: place });
    else {
      const stuck = await stuckSteps(project.store, view);
      printLines(context.out, runLines(context, view, { row, place, stuck }));
    }
    return 0;
  });
}

function runLines(
  context: Context,
  view: RunView,
  {
    row,
    place,
    stuck,
  }: {
    readonly row: RunRow;
    readonly place: ControllerPlace | undefined;
    /** Of steps that wait. */
    readonly stuck: ReadonlyMap<string, string>;
  },
): readonly string[] {
  const { style } = context;
  const status = paintStatus(style, view.status, `${SYMBOLS[view.status]} ${view.status}`);
  const times = [formatAge(Date.now() - Date.parse(row.createdAt))];
  if (view.durationMs !== undefined) times.push(`took ${formatDuration(view.durationMs)}`);
  const lines = [`${status} ${style.bold(printableWord(runName(row)))} ${style.dim(times.join(', '))}`];
  lines.push(
    ...tableLines(
      [
        ['run', row.id],
        ['project', printableWord(view.project)],
        ['version', printableWord(view.version)],
        ['source', printableWord(row.source)],
        ['repeats', row.parent ?? ''],
        ['controller', place === undefined ? '' : printableWord(placeLine(row, place))],
        ['stop asked for', row.stopRequested === undefined ? '' : printableWord(row.stopRequested)],
        ...Object.entries(view.parameters).map(([name, value]) => [
          `parameter ${printableWord(name)}`,
          cut(printableWord(JSON.stringify(value) ?? 'undefined'), 80),
        ]),
      ]
        .filter(([, value]) => value !== '')
        .map(([name, value]) => [style.dim(name!), value!]),
      { indent: '  ' },
    ),
  );
  const steps = inOrder(view);
  const gathers = new Set(steps.flatMap((step) => step.of ?? []));
  lines.push('', style.bold(count(steps.length - gathers.size, 'step')));
  lines.push(...tableLines(steps.map((step) => stepCells(context, step, stuck.get(step.name)))));
  const shown = shownOnRun(view, { style, columns: context.out.stream.columns });
  if (shown.metrics.length > 0) lines.push('', style.bold('metrics of the run'), ...shown.metrics);
  if (shown.artifacts.length > 0) lines.push('', style.bold('artifacts of the run'), ...shown.artifacts);
  const artifacts = steps.flatMap((step) =>
    step.artifacts.map((artifact) => ({ step: step.name, artifact })),
  );
  if (artifacts.length > 0) {
    lines.push('', style.bold(count(artifacts.length, 'artifact')));
    const rows = artifacts.map(({ step, artifact }) => [
      printableWord(`${step}.${artifact.name}`),
      style.dim(printableWord(artifact.type)),
      formatBytes(artifact.size),
      style.dim(cut(printableWord(artifact.preview ?? ''), 60)),
    ]);
    lines.push(...tableLines(rows, { indent: '  ', columns: context.out.stream.columns }));
  }
  for (const { step, skipped } of rootFailures(view)) {
    if (step.error === undefined) continue;
    lines.push(
      '',
      ...failureLines(
        style,
        { step: step.name, status: step.status, error: step.error, attempt: step.attempts },
        context,
      ),
    );
    if (skipped > 0) lines.push(style.dim(`${count(skipped, 'step')} skipped because of it`));
  }
  if (view.error !== undefined && rootFailures(view).length === 0) {
    lines.push(
      '',
      ...failureLines(
        style,
        { step: 'the run', status: view.status, error: view.error, attempt: 1 },
        context,
      ),
    );
  }
  lines.push(...nextLines(context, view, row));
  return lines;
}

/** The elements of a mapped step right after it. */
function inOrder(view: RunView): readonly StepView[] {
  const elements = new Map<StepView['of'], StepView[]>();
  for (const step of view.steps.values()) {
    const list = elements.get(step.of);
    if (list === undefined) elements.set(step.of, [step]);
    else list.push(step);
  }
  return (elements.get(undefined) ?? []).flatMap((step) => [step, ...(elements.get(step.name) ?? [])]);
}

function stepCells(context: Context, step: StepView, stuck: string | undefined): readonly string[] {
  const { style } = context;
  const notes: string[] = [];
  if (step.attempts > 1) notes.push(count(step.attempts, 'attempt'));
  if (step.status === 'queued' && step.queue !== undefined)
    notes.push(`waits in queue ${step.queue}${stuck === undefined ? '' : ` (${stuck})`}`);
  if (step.agent !== undefined && step.status !== 'queued' && step.status !== 'cached')
    notes.push(`on ${step.agent}`);
  if (step.cachedFrom !== undefined) notes.push(`from ${step.cachedFrom}`);
  if (step.status === 'skipped' && step.why[0] !== undefined) notes.push(step.why[0]);
  return [
    paintStatus(style, step.status, `${SYMBOLS[step.status]} ${step.status}`),
    printableWord(step.name),
    step.durationMs === undefined || step.status === 'cached' || step.status === 'skipped'
      ? ''
      : formatDuration(step.durationMs),
    style.dim(cut(printable(notes.join(', ')).replace(/\n/g, ' '), 80)),
  ];
}

function nextLines(context: Context, view: RunView, row: RunRow): readonly string[] {
  const { style } = context;
  switch (view.status) {
    case 'lost':
      return ['', `${style.warn('its process is gone:')} ${programName()} resume ${row.id} continues it`];
    case 'queued':
    case 'running':
      return ['', `${style.dim('next:')} ${programName()} follow ${row.id}  ${style.dim('until it ends')}`];
    case 'failed':
    case 'aborted':
      return [
        '',
        `${style.dim('next:')} ${programName()} resume ${row.id}  ${style.dim('the same code again; completed steps are kept')}`,
        `      ${programName()} rerun ${row.id}   ${style.dim('the file as it is now')}`,
      ];
    default:
      return [];
  }
}
