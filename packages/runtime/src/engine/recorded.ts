import { foldEvents } from '@run-pipeline/core/run-view';
import { isSuccess, type RunEvent, type StepName, type TaskId } from '@run-pipeline/core/model';
import { changeStatus } from './callbacks.js';
import type { NodeState, RecordedStep, RecordedSteps, RunContext } from './context.js';
import type { Prepared } from './prepare.js';

/**
 * What a run that is resumed has already committed. A completed step is not executed again, whatever
 * its cache option, and its callbacks are not called again.
 *
 * Steps of a class or a controller are found by name: they run from the packages and values the run
 * was launched with. Calls of a pipeline function are found by what they are — the fingerprint, made of
 * package and input identities — and never by call order; the name only separates equal calls.
 */
export function recordedSteps(events: readonly RunEvent[]): RecordedSteps {
  const view = foldEvents(events);
  const byName = new Map<string, RecordedStep>();
  for (const step of view.steps.values()) {
    byName.set(step.name, {
      name: step.name as StepName,
      status: step.status,
      attempts: step.attempts,
      fingerprint: step.fingerprint,
      cachedFrom: step.cachedFrom,
      claimed: false,
    });
  }
  return { byName };
}

/** True when the run has this node's result already: it then stands ended, and nothing is written. */
export async function adoptByName(context: RunContext, node: NodeState): Promise<boolean> {
  const match = context.recorded?.byName.get(node.name);
  if (match === undefined || context.definition.kind === 'function') return false;
  return take(context, node, match);
}

/** The same for a call of a pipeline function, once its inputs are known. */
export async function adoptByIdentity(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
): Promise<boolean> {
  if (context.recorded === undefined || context.definition.kind !== 'function') return false;
  const free = sameBase(context, node);
  const same = free.filter((step) => step.fingerprint === prepared.fingerprint);
  // A call that never reached a fingerprint is taken over by its name, last.
  const match =
    same.find((step) => isSuccess(step.status)) ??
    same[0] ??
    free.find((step) => step.fingerprint === undefined);
  return match === undefined ? false : take(context, node, match);
}

/** A mapped call is only its elements: it takes a recorded name, they are matched by identity. */
export function adoptMappedName(context: RunContext, node: NodeState): RecordedStep | undefined {
  const match =
    context.definition.kind === 'function'
      ? sameBase(context, node).find((step) => step.fingerprint === undefined)
      : context.recorded?.byName.get(node.name);
  if (match === undefined) return undefined;
  match.claimed = true;
  node.name = match.name;
  node.announced = true;
  return match;
}

function sameBase(context: RunContext, node: NodeState): readonly RecordedStep[] {
  const base = node.definition.name;
  const isElement = node.of !== undefined;
  return [...(context.recorded?.byName.values() ?? [])].filter(
    (step) => !step.claimed && baseOf(step.name) === base && step.name.endsWith(']') === isElement,
  );
}

/** `train` of `train_2` and of `train_2[0]`. */
const baseOf = (name: string): string => name.replace(/\[\d+\]$/, '').replace(/_\d+$/, '');

async function take(context: RunContext, node: NodeState, match: RecordedStep): Promise<boolean> {
  match.claimed = true;
  node.name = match.name;
  node.announced = true;
  node.attempt = match.attempts;
  if (!isSuccess(match.status)) return false;
  const artifacts = await context.project.store.readArtifacts(context.row.id, match.name);
  node.artifacts = new Map(artifacts.map((artifact) => [artifact.record.name, artifact]));
  node.fingerprint = match.fingerprint;
  if (match.cachedFrom !== undefined) node.producer = `${match.cachedFrom}.${match.name}` as TaskId;
  await standEnded(context, node, match);
  return true;
}

/** Ends a node without writing: the run has its end already. */
export async function standEnded(context: RunContext, node: NodeState, match: RecordedStep): Promise<void> {
  await changeStatus(context, node, match.status);
  node.ended.resolve();
  for (const child of node.dependents) {
    child.waiting -= 1;
    if (child.waiting === 0) context.schedule(child);
  }
}
