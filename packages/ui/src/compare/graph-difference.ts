import type { StepName } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import { cardGraph, type Card, type CardGraph } from '../graph/cards.js';
import type { Row } from './comparison.js';

export type Change = 'added' | 'removed' | 'changed' | 'same';

export interface GraphDifference {
  readonly graph: CardGraph;
  /** Of each card. */
  readonly changes: readonly Change[];
  /** Of each edge; never `changed`. */
  readonly edges: readonly Change[];
  /** Cards that are the same and not near a difference: left out where the graph is large. */
  readonly leftOut: number;
}

type Steps = ReadonlyMap<string, StepView>;

/** With more cards than this only what differs is drawn, and what it hangs on. */
const LARGE = 150;

/** The graphs of two runs as one: what only one of them has, and the steps whose result is another. */
export function graphDifference(options: {
  readonly before: Steps;
  readonly now: Steps;
  /** Steps of the comparison, with the cells of both. */
  readonly rows: readonly Row[];
  readonly columns: readonly [number, number];
}): GraphDifference {
  const { before, now, rows, columns } = options;
  const changed = new Set(
    rows.filter(({ cells }) => cells[columns[0]]?.same !== cells[columns[1]]?.same).map(({ name }) => name),
  );
  const changeOf = (name: string): Change =>
    !before.has(name) ? 'added' : !now.has(name) ? 'removed' : changed.has(name) ? 'changed' : 'same';
  const whole = cardGraph({ steps: merged(before, now) });
  const changes = whole.cards.map((card) => cardChange(card, changeOf));
  const kept = keptCards(whole, changes);
  const graph = kept.length === whole.cards.length ? whole : part(whole, kept);
  const edgesBefore = edgeNames(cardGraph({ steps: before as ReadonlyMap<StepName, StepView> }));
  const edgesNow = edgeNames(cardGraph({ steps: now as ReadonlyMap<StepName, StepView> }));
  return {
    graph,
    changes: kept.map((card) => changes[card] ?? 'same'),
    edges: graph.edges.map((edge) => {
      const name = edgeName(graph, edge);
      // Stages are named by what they hold: of one that is new its edges are neither there nor not.
      if (edgesBefore.has(name) === edgesNow.has(name)) return 'same';
      return edgesNow.has(name) ? 'added' : 'removed';
    }),
    leftOut: whole.cards.length - kept.length,
  };
}

/** Every step of both, with the parents that it has in either. */
function merged(before: Steps, now: Steps): ReadonlyMap<StepName, StepView> {
  const steps = new Map<StepName, StepView>();
  for (const [name, step] of now) {
    const was = before.get(name);
    const parents = was === undefined ? step.parents : [...new Set([...step.parents, ...was.parents])];
    steps.set(name as StepName, { ...step, parents });
  }
  for (const [name, step] of before) if (!now.has(name)) steps.set(name as StepName, step);
  return steps;
}

function cardChange(card: Card, changeOf: (name: string) => Change): Change {
  if (card.kind === 'step') return changeOf(card.name);
  const all = new Set(card.members.map(changeOf));
  const [only] = all;
  return all.size === 1 && only !== undefined ? only : 'changed';
}

function keptCards(graph: CardGraph, changes: readonly Change[]): readonly number[] {
  const all = graph.cards.map((_, index) => index);
  if (all.length <= LARGE) return all;
  const kept = new Set<number>();
  for (const [index, card] of graph.cards.entries()) {
    if (changes[index] === 'same') continue;
    for (const near of [index, ...card.parents, ...card.children]) kept.add(near);
  }
  return all.filter((index) => kept.has(index));
}

function part(graph: CardGraph, kept: readonly number[]): CardGraph {
  const numbers = new Map(kept.map((card, index) => [card, index]));
  const inside = (cards: readonly number[]): readonly number[] =>
    cards.flatMap((card) => numbers.get(card) ?? []);
  const cards = kept.map((card) => ({
    ...graph.cards[card]!,
    parents: inside(graph.cards[card]!.parents),
    children: inside(graph.cards[card]!.children),
  }));
  return {
    cards,
    edges: cards.flatMap((card, to) => card.parents.map((from) => [from, to] as const)),
    of: graph.of,
  };
}

const edgeName = ({ cards }: CardGraph, [from, to]: readonly [number, number]): string =>
  JSON.stringify([cards[from]?.name, cards[to]?.name]);

const edgeNames = (graph: CardGraph): ReadonlySet<string> =>
  new Set(graph.edges.map((edge) => edgeName(graph, edge)));
