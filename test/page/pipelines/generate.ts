import { storedValue, type WrittenStep } from '../../rig/page-runs.js';

/** Runs of any size, for the page: what they computed does not matter, what they look like does. */

const WIDE = 10;

/** Each step after two or three of the layer before. */
function parentsOf(index: number): readonly number[] {
  const layer = Math.floor(index / WIDE);
  const before = [0, 3, ...(index % 3 === 0 ? [7] : [])];
  return layer === 0 ? [] : before.map((by) => (layer - 1) * WIDE + (((index % WIDE) + by) % WIDE));
}

/** Layers of ten steps. */
export const writtenLayers = (steps: number): readonly WrittenStep[] =>
  Array.from({ length: steps }, (_, index) => ({
    name: `s${index}`,
    parents: parentsOf(index).map((parent) => `s${parent}`),
    artifacts: [storedValue('result', index)],
  }));

/** A list, a step for each of its elements, and one that takes them all. */
export const writtenElements = (elements: number): readonly WrittenStep[] => [
  { name: 'list', artifacts: [storedValue('list', [])] },
  { name: 'score', parents: ['list'] },
  ...Array.from({ length: elements }, (_, index) => ({
    name: `score[${index}]`,
    parents: ['list'],
    of: 'score',
    artifacts: [storedValue('value', index * 2)],
  })),
  { name: 'best', parents: ['score'], artifacts: [storedValue('result', elements * 2)] },
];
