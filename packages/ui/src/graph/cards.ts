import type { StepName, StepStatus } from '@run-pipeline/core/model';
import type { RunView, StepView } from '@run-pipeline/core/run-view';

/**
 * What is drawn as one card: a step, a mapped step with all its elements, or a stage: many steps with
 * the same parents and the same children, which no layout makes readable one by one.
 */
export interface Card {
  /** The step's name; of a stage its common beginning and `*`, which no step's name holds. */
  readonly name: string;
  readonly kind: 'step' | 'mapped' | 'stage';
  /** Elements of a mapped step, steps of a stage. */
  readonly members: readonly StepName[];
  /** Numbers of cards. */
  readonly parents: readonly number[];
  readonly children: readonly number[];
}

export interface CardGraph {
  readonly cards: readonly Card[];
  readonly edges: readonly (readonly [number, number])[];
  /** The number of the card that shows a step (an element: its mapped step's). */
  readonly of: ReadonlyMap<string, number>;
}

/** So many alike are a stage. */
const STAGE = 12;

/** The same object as long as no node came: what hangs on it stays valid. */
const known = new WeakMap<
  RunView,
  { readonly size: number; readonly shape: number; readonly graph: CardGraph }
>();

/** @param shape Changes when nodes or edges came. */
export function cardGraphOf(view: RunView, shape: number): CardGraph {
  const before = known.get(view);
  if (before?.shape === shape && before.size === view.steps.size) return before.graph;
  const graph = cardGraph(view);
  known.set(view, { size: view.steps.size, shape, graph });
  return graph;
}

export function cardGraph(view: { readonly steps: ReadonlyMap<StepName, StepView> }): CardGraph {
  const steps = [...view.steps.values()];
  const elements = new Map<string, StepView[]>();
  for (const step of steps) {
    if (step.of === undefined) continue;
    const list = elements.get(step.of);
    if (list === undefined) elements.set(step.of, [step]);
    else list.push(step);
  }
  const single = steps.filter(({ of }) => of === undefined);
  // A mapped step that is not known yet, though its elements are.
  const orphans = [...elements.keys()].filter((name) => !view.steps.has(name as StepName));
  const mappedOf = new Map(
    steps.flatMap(({ name, of }) => (of === undefined ? [] : [[name as string, of as string]])),
  );
  const parentsOf = new Map<string, readonly string[]>();
  const setParents = (name: string, all: readonly StepView[]): void => {
    const found = new Set<string>();
    for (const { parents } of all)
      for (const parent of parents) {
        const shown = mappedOf.get(parent) ?? parent;
        if (shown !== name) found.add(shown);
      }
    parentsOf.set(name, [...found]);
  };
  for (const step of single) setParents(step.name, [step, ...(elements.get(step.name) ?? [])]);
  for (const name of orphans) setParents(name, elements.get(name) ?? []);

  const stageOf = stages(
    single.filter(({ name }) => !elements.has(name)).map(({ name }) => name),
    parentsOf,
  );
  const numbers = new Map<string, number>();
  const drafts: { name: string; kind: Card['kind']; members: readonly StepName[] }[] = [];
  for (const name of [...single.map((step) => step.name as string), ...orphans]) {
    const stage = stageOf.get(name);
    if (stage !== undefined) {
      let number = numbers.get(stage.name);
      if (number === undefined) {
        number =
          drafts.push({ name: stage.name, kind: 'stage', members: stage.members as readonly StepName[] }) - 1;
        numbers.set(stage.name, number);
      }
      numbers.set(name, number);
      continue;
    }
    const members = elements.get(name);
    numbers.set(name, drafts.length);
    drafts.push({
      name,
      kind: members === undefined ? 'step' : 'mapped',
      members: (members ?? []).map((member) => member.name),
    });
  }
  const parents: Set<number>[] = drafts.map(() => new Set());
  const children: Set<number>[] = drafts.map(() => new Set());
  for (const [name, names] of parentsOf) {
    const to = numbers.get(name);
    if (to === undefined) continue;
    for (const parent of names) {
      const from = numbers.get(parent);
      if (from === undefined || from === to) continue;
      parents[to]?.add(from);
      children[from]?.add(to);
    }
  }
  for (const [element, name] of mappedOf) {
    const number = numbers.get(name);
    if (number !== undefined) numbers.set(element, number);
  }
  const cards = drafts.map((draft, index) => ({
    ...draft,
    parents: [...(parents[index] ?? [])],
    children: [...(children[index] ?? [])],
  }));
  return {
    cards,
    edges: cards.flatMap((card, to) => card.parents.map((from) => [from, to] as const)),
    of: numbers,
  };
}

/** Steps with the same parents and children, where there are many of them. */
function stages(
  names: readonly string[],
  parentsOf: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, { readonly name: string; readonly members: readonly string[] }> {
  const childrenOf = new Map<string, string[]>();
  for (const [name, parents] of parentsOf)
    for (const parent of parents) {
      const list = childrenOf.get(parent);
      if (list === undefined) childrenOf.set(parent, [name]);
      else list.push(name);
    }
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = JSON.stringify([
      [...(parentsOf.get(name) ?? [])].sort(),
      [...(childrenOf.get(name) ?? [])].sort(),
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  const found = new Map<string, { name: string; members: readonly string[] }>();
  const taken = new Set<string>();
  for (const members of groups.values()) {
    if (members.length < STAGE) continue;
    let name = `${commonBeginning(members)}*`;
    for (let copy = 2; taken.has(name); copy++) name = `${commonBeginning(members)}*${copy}`;
    taken.add(name);
    const stage = { name, members };
    for (const member of members) found.set(member, stage);
  }
  return found;
}

function commonBeginning(names: readonly string[]): string {
  let common = names[0] ?? '';
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1);
  return common;
}

export const isStageName = (name: string): boolean => /\*\d*$/.test(name);

/** The status that a card of many shows: what needs attention first. */
export function groupStatus(counts: Readonly<Partial<Record<StepStatus, number>>>): StepStatus {
  const order: readonly StepStatus[] = [
    'failed',
    'running',
    'aborted',
    'queued',
    'created',
    'completed',
    'cached',
    'skipped',
  ];
  const has = (status: StepStatus): boolean => (counts[status] ?? 0) > 0;
  // Some are done and others have not begun: it is under way.
  if (!has('failed') && !has('aborted') && has('created') && (has('completed') || has('cached')))
    return 'running';
  return order.find(has) ?? 'created';
}
