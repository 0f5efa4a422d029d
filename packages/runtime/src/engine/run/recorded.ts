import { uniqueNodeName } from '@run-pipeline/core/graph';
import { foldEvents } from '@run-pipeline/core/run-view';
import {
  isSuccess,
  type Fingerprint,
  type RunEvent,
  type StepName,
  type TaskId,
} from '@run-pipeline/core/model';
import type { AttemptState } from '@run-pipeline/core/ports';
import {
  rename,
  type NodeState,
  type RecordedStep,
  type RecordedSteps,
  type RunContext,
} from '../context.js';
import type { Prepared } from '../step/prepare.js';

/**
 * What a run that is resumed has already committed. A completed step is not executed again, whatever
 * its cache option, and its callbacks are not called again.
 *
 * Steps of a class or a controller are found by name: they run from the packages and values the run
 * was launched with. Calls of a pipeline function are found by what they are — the fingerprint, made of
 * package and input identities — and never by call order; the name only separates equal calls, and calls
 * that had not ended. What is new gets the name it would have had without the interruption, if it is free.
 */
export function recordedSteps(
  events: readonly RunEvent[],
  /** Of steps that went to queues, by step. */
  attempts: ReadonlyMap<string, Pick<AttemptState, 'attempt' | 'status' | 'identity'>> = new Map(),
): RecordedSteps {
  const view = foldEvents(events);
  const settled = new Map<string, number>();
  for (const event of events)
    if (event.type === 'step.retry' || event.type === 'step.end')
      settled.set(event.step, Math.max(event.attempt, settled.get(event.step) ?? 0));
  const byName = new Map<string, RecordedStep>();
  for (const step of view.steps.values()) {
    const attempt = isSuccess(step.status) ? undefined : attempts.get(step.name);
    const untold =
      attempt !== undefined &&
      attempt.status !== 'created' &&
      attempt.attempt > (settled.get(step.name) ?? 0);
    const held = attempt?.status === 'queued' || attempt?.status === 'running';
    byName.set(step.name, {
      name: step.name as StepName,
      status: step.status,
      attempts: step.attempts,
      fingerprint: untold ? (attempt.identity as Fingerprint | undefined) : step.fingerprint,
      cachedFrom: step.cachedFrom,
      task: step.task,
      settled: settled.get(step.name) ?? 0,
      open: untold || held,
      claimedBy: undefined,
    });
  }
  return indexed(byName);
}

export function indexed(byName: ReadonlyMap<string, RecordedStep>): RecordedSteps {
  const byFingerprint = new Map<string, RecordedStep[]>();
  for (const step of byName.values()) {
    if (step.fingerprint === undefined) continue;
    const same = byFingerprint.get(step.fingerprint);
    if (same === undefined) byFingerprint.set(step.fingerprint, [step]);
    else same.push(step);
  }
  return { byName, byFingerprint, taken: new Set(byName.keys()) };
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
  const same = context.recorded.byFingerprint.get(prepared.fingerprint) ?? [];
  const done = same.filter((step) => isSuccess(step.status) && fits(node, step));
  const match =
    done.find((step) => step.name === node.usual) ??
    done[0] ??
    same.find((step) => step.open && step.name === node.usual && fits(node, step)) ??
    same.find((step) => step.open && fits(node, step)) ??
    unfinished(context, node, prepared) ??
    same.find((step) => fits(node, step));
  if (match !== undefined) return take(context, node, match);
  nameAnew(context, node);
  return false;
}

/** A call that is not executed (a parent failed, the run stops) has no identity: its name has to do. */
export function adoptUnprepared(context: RunContext, node: NodeState): void {
  if (context.recorded === undefined || context.definition.kind !== 'function' || node.announced) return;
  const match = unfinished(context, node, undefined);
  if (match === undefined) nameAnew(context, node);
  else claim(context, node, match);
}

/** One that did not succeed has nothing but its name; unless an agent has it, for a call with other inputs. */
function unfinished(
  context: RunContext,
  node: NodeState,
  prepared: Pick<Prepared, 'fingerprint'> | undefined,
): RecordedStep | undefined {
  const step = context.recorded?.byName.get(nameLeft(context.recorded, node));
  if (step === undefined || isSuccess(step.status) || !fits(node, step)) return undefined;
  const belongsElsewhere =
    step.open && node.of === undefined && prepared !== undefined && step.fingerprint !== prepared.fingerprint;
  return belongsElsewhere ? undefined : step;
}

/** Its usual name; or, when that went to an equal call, the one which that call left. */
function nameLeft({ byName }: RecordedSteps, node: NodeState): string {
  const seen = new Set<string>();
  let name = node.usual;
  for (;;) {
    const claimedBy = byName.get(name)?.claimedBy;
    if (claimedBy === undefined || seen.has(name)) return name;
    seen.add(name);
    name = claimedBy;
  }
}

function nameAnew({ row, recorded }: RunContext, node: NodeState): void {
  if (recorded === undefined) return;
  const { taken } = recorded;
  const left = nameLeft(recorded, node);
  if (!taken.has(left)) rename(row.id, node, left as StepName);
  else if (node.of === undefined) rename(row.id, node, uniqueNodeName(node.base, taken));
  taken.add(node.name);
}

/** A mapped call is only its elements: it takes a recorded name, they are matched by identity. */
export function adoptMappedName(context: RunContext, node: NodeState): RecordedStep | undefined {
  const { recorded } = context;
  if (recorded === undefined) return undefined;
  const match =
    context.definition.kind === 'function' ? mappedRecord(recorded, node) : recorded.byName.get(node.name);
  if (match !== undefined) claim(context, node, match);
  else if (context.definition.kind === 'function') nameAnew(context, node);
  return match;
}

function claim(context: RunContext, node: NodeState, match: RecordedStep): void {
  match.claimedBy = node.usual;
  rename(context.row.id, node, match.name);
  node.announced = true;
  node.attempt = match.attempts;
}

/** It has no identity of its own: its elements have. */
function mappedRecord(recorded: RecordedSteps, node: NodeState): RecordedStep | undefined {
  const step = recorded.byName.get(node.usual);
  return step?.fingerprint === undefined && step !== undefined && fits(node, step) ? step : undefined;
}

const fits = (node: NodeState, step: RecordedStep): boolean =>
  step.claimedBy === undefined &&
  step.name.endsWith(']') === (node.of !== undefined) &&
  isNamedAfter(step.name, node.base);

/** `train`, `train_2` and `train_2[0]` after `train`. */
function isNamedAfter(name: string, base: string): boolean {
  if (!name.startsWith(base)) return false;
  return /^(?:_\d+)?(?:\[\d+\])?$/.test(name.slice(base.length));
}

async function take(context: RunContext, node: NodeState, match: RecordedStep): Promise<boolean> {
  claim(context, node, match);
  if (!isSuccess(match.status)) return false;
  const artifacts = await context.project.store.readArtifacts(context.row.id, match.name);
  node.artifacts = new Map(artifacts.map((artifact) => [artifact.record.name, artifact]));
  node.fingerprint = match.fingerprint;
  if (match.task !== undefined) node.producer = match.task;
  else if (match.cachedFrom !== undefined) node.producer = `${match.cachedFrom}.${match.name}` as TaskId;
  standEnded(context, node, match);
  return true;
}

/** Ends a node without writing: the run has its end already, and its callbacks have been called. */
export function standEnded(context: RunContext, node: NodeState, match: RecordedStep): void {
  node.status = match.status;
  node.ended.resolve();
  for (const child of node.dependents) {
    child.waiting -= 1;
    if (child.waiting === 0) context.schedule(child);
  }
}
