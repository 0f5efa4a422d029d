import type { StepName } from '../model/ids.js';
import type { RunView, StepView } from './view.js';

/** A step that failed of itself, and what it cost. */
export interface RootFailure {
  readonly step: StepView;
  /** How many steps were skipped because of it. One that waited for two failed ones counts for both. */
  readonly skipped: number;
}

/**
 * The failures to show first: steps that failed (or were aborted by their timeout) without an ancestor
 * that did, in the order in which they ended. A mapped step comes after its elements: when `score[3]`
 * fails, `score` fails because of it.
 */
export function rootFailures(view: RunView): readonly RootFailure[] {
  const failed = [...view.steps.values()].filter(hasFailed);
  if (failed.length === 0) return [];
  const children = childrenOf(view);
  const below = descendants(
    failed.map((step) => step.name),
    children,
  );
  return failed
    .filter((step) => !below.has(step.name))
    .sort((a, b) => compare(a.finishedAt ?? '', b.finishedAt ?? ''))
    .map((step) => ({ step, skipped: skippedBelow(view, step.name, children) }));
}

const hasFailed = (step: StepView): boolean =>
  step.status === 'failed' || (step.status === 'aborted' && step.error?.code === 'timeout');

type Children = ReadonlyMap<StepName, readonly StepName[]>;

function childrenOf(view: RunView): Children {
  const children = new Map<StepName, StepName[]>();
  const add = (parent: StepName, child: StepName): void => {
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [child]);
    else list.push(child);
  };
  for (const step of view.steps.values()) {
    for (const parent of step.parents) add(parent, step.name);
    if (step.of !== undefined) add(step.name, step.of);
  }
  return children;
}

/** Everything below these, without them unless one is below another. */
function descendants(start: readonly StepName[], children: Children): ReadonlySet<StepName> {
  const found = new Set<StepName>();
  const open = [...start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const child of children.get(name) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}

/** Skipped steps that are reached through what was skipped or failed because of it. */
function skippedBelow(view: RunView, root: StepName, children: Children): number {
  const seen = new Set<StepName>();
  const open = [root];
  let skipped = 0;
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const child of children.get(name) ?? []) {
      const step = view.steps.get(child);
      if (step === undefined || seen.has(child)) continue;
      seen.add(child);
      if (step.status === 'skipped') skipped++;
      if (step.status === 'skipped' || hasFailed(step)) open.push(child);
    }
  }
  return skipped;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
