import { openProject, planRun, type PlannedStep } from '../../engine/index.js';
import { printable, printableWord } from '../../terminal/sanitise.js';
import { displayWidth, pad } from '../../terminal/width.js';
import { printJson, printLines, type Context } from '../context.js';
import { checkRefresh, engineOptions, parameterFlags } from '../engine-options.js';
import { choosePipeline, sourceOf } from '../pipeline-file.js';
import { asTyped } from '../../project/as-typed.js';

/** `run-pipeline plan FILE` */
export async function planCommand(context: Context): Promise<number> {
  const options = engineOptions(context);
  const values = parameterFlags(context);
  const { loaded, candidate, definition } = await choosePipeline(context, context.arguments[0]!);
  checkRefresh(definition, options.refresh);
  const project = await openProject(context);
  // A pipeline function's body runs here, and may print.
  const undivert = context.outputs.divert((text) => context.err.write(text));
  try {
    const plan = await planRun({
      project,
      definition,
      loaded,
      source: sourceOf(project, loaded, candidate, definition),
      exportName: candidate.exportName,
      parent: undefined,
      parameters: { values, textual: Object.keys(values) },
      options,
      onWarning: (message) =>
        printLines(context.err, [`${context.style.warn('▲')} ${printable(asTyped(message))}`]),
      signal: new AbortController().signal,
    });
    if (context.json) printJson(context, plan);
    else printLines(context.out, planLines(context, plan.steps, plan.notes));
    return 0;
  } finally {
    undivert();
    await project.close();
  }
}

function planLines(
  context: Context,
  steps: readonly PlannedStep[],
  notes: readonly string[],
): readonly string[] {
  const { style } = context;
  const width = Math.max(0, ...steps.map((step) => displayWidth(printableWord(step.name))));
  const lines = steps.flatMap((step) => {
    const [first = '', ...more] =
      step.action === 'cached' ? [step.from === undefined ? '' : `from run ${step.from}`] : step.reasons;
    const action = ACTIONS[step.action];
    const paint = step.action === 'cached' ? style.info : step.action === 'run' ? style.good : style.warn;
    const head = `${paint(pad(action, 9))} ${style.bold(pad(printableWord(step.name), width))}  ${style.dim(printable(first))}`;
    return [
      head.trimEnd(),
      ...more.map((reason) => `${' '.repeat(width + 12)}${style.dim(printable(reason))}`),
    ];
  });
  // As a run counts: a mapped step is its elements.
  const gathers = new Set(steps.flatMap(({ name }) => /^(.+)\[\d+\]$/.exec(name)?.[1] ?? []));
  const counted = steps.filter(({ name }) => !gathers.has(name));
  const number = (action: PlannedStep['action']): number =>
    counted.filter((step) => step.action === action).length;
  const [run, cached, depends] = [number('run'), number('cached'), number('depends')];
  const parts = [
    `${run} would run`,
    `${cached} cached`,
    ...(depends > 0 ? [`${depends} ${depends === 1 ? 'depends' : 'depend'} on what runs`] : []),
  ];
  const total =
    counted.length > 0 && cached === counted.length
      ? `nothing would be executed: all ${cached} steps are cached`
      : parts.join(', ');
  return [
    ...lines,
    ...(lines.length > 0 ? [''] : []),
    total,
    ...notes.map((note) => style.dim(printable(note))),
  ];
}

const ACTIONS = { run: '▶ run', cached: '● cached', depends: '? depends' } as const;
