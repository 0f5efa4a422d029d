import { stepName } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import type { RunView, StepView } from '@run-pipeline/core/run-view';
import type { StepInputs } from '@run-pipeline/core/wire';
import { requireRun } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { requireStep } from './require-step.js';

type Input = StepInputs['inputs'][number];

/** Children looked at for what they took: of a fan-out of thousands the first tell enough. */
const MOST_CHILDREN = 300;
const LONGEST_PREVIEW = 600;

/**
 * Where inputs came from is what the step's fingerprint was made of. An input that is made of several
 * artifacts (a list, an object, a mapped step) names all of them.
 */
export async function stepInputs(context: ServerContext, run: string, step: string): Promise<StepInputs> {
  const row = await requireRun(context, run);
  const view = await context.views.get(row);
  const found = requireStep(view, step);
  const names = new Set<string>(view.steps.keys());
  // Who takes the results of a mapped step takes those of all its elements.
  const mapped = found.of;
  const children = [...view.steps.values()]
    .filter(
      ({ parents }) => parents.includes(found.name) || (mapped !== undefined && parents.includes(mapped)),
    )
    .slice(0, MOST_CHILDREN);
  const parts = await partsOf(context, view, found);
  const consumers = new Map<string, string[]>();
  for (const child of children) {
    const taken = (await partsOf(context, view, child))
      .flatMap((part) => sourcesOf(part, names))
      .filter(
        ({ step: source }) => source === found.name || source === mapped || isElementOf(source, found.name),
      )
      .map(({ artifact }) => artifact);
    for (const artifact of new Set(taken)) {
      const steps = consumers.get(artifact);
      if (steps === undefined) consumers.set(artifact, [child.name]);
      else steps.push(child.name);
    }
  }
  return {
    inputs: parts.flatMap((part) => inputOf(part, view, names) ?? []),
    consumers: [...consumers].map(([artifact, steps]) => ({ artifact, steps })),
  };
}

async function partsOf(
  context: ServerContext,
  view: RunView,
  step: StepView,
): Promise<readonly PreimagePart[]> {
  const preimage = await context.project.store.readPreimage(view.id, stepName(step.name));
  return preimage?.parts ?? [];
}

const isElementOf = (name: string, mapped: string): boolean =>
  name.startsWith(`${mapped}[`) && /^\[\d+\]$/.test(name.slice(mapped.length));

function inputOf(part: PreimagePart, view: RunView, names: ReadonlySet<string>): Input | undefined {
  const { kind, name } = part;
  if (kind !== 'input' && kind !== 'file' && kind !== 'parameter' && kind !== 'configuration')
    return undefined;
  const from = sourcesOf(part, names);
  const parameter = parameterOf(part);
  const path =
    kind === 'file' && from.length === 0 ? part.where?.replace(/^[A-Za-z_][\w-]*: /, '') : undefined;
  const reference =
    parameter !== undefined
      ? `$<pipeline.${parameter}>`
      : from.length === 1 && part.where?.startsWith(`${from[0]!.step}.`) === true
        ? `$<${part.where}>`
        : undefined;
  const preview = part.shown ?? previewOf(from, view) ?? shownParameter(parameter, view);
  return {
    name,
    kind,
    from,
    ...(reference === undefined ? {} : { reference }),
    ...(parameter === undefined ? {} : { parameter }),
    ...(path === undefined ? {} : { path }),
    ...(preview === undefined ? {} : { preview: preview.slice(0, LONGEST_PREVIEW) }),
  };
}

/** `load.rows`, `split.train, split.test`, `score[3].model.depth`: the artifacts of steps of this run. */
function sourcesOf(part: PreimagePart, names: ReadonlySet<string>): Input['from'] {
  if (part.kind !== 'input' && part.kind !== 'file' && part.kind !== 'configuration') return [];
  return (part.where ?? '').split(', ').flatMap((source) => {
    // Names hold no dot, so what follows the first one is the artifact, and a path into it.
    const [step = '', artifact] = source.split('.');
    return artifact !== undefined && names.has(step) ? [{ step, artifact }] : [];
  });
}

/** A part of a `@Parameter` that the step reads has its name; one that is passed says `parameter NAME`. */
function parameterOf(part: PreimagePart): string | undefined {
  if (part.kind === 'parameter') return part.name;
  return /^parameter ([A-Za-z_][\w-]*)$/.exec(part.where ?? '')?.[1] ?? fileParameter(part);
}

const fileParameter = (part: PreimagePart): string | undefined =>
  part.kind === 'file' ? /^([A-Za-z_][\w-]*): /.exec(part.where ?? '')?.[1] : undefined;

function previewOf(from: Input['from'], view: RunView): string | undefined {
  const [only] = from;
  if (only === undefined || from.length > 1) return undefined;
  const step = view.steps.get(stepName(only.step));
  return step?.artifacts.find(({ name }) => name === only.artifact)?.preview;
}

function shownParameter(parameter: string | undefined, view: RunView): string | undefined {
  if (parameter === undefined || !Object.hasOwn(view.parameters, parameter)) return undefined;
  const value = view.parameters[parameter];
  return typeof value === 'string' ? value : JSON.stringify(value);
}
