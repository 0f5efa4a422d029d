import { storedValue, type WrittenStep } from '../../rig/page-runs.js';

/** Source of pipelines of any size, for the page: what they compute does not matter, what they look like does. */

const head = (name: string): string =>
  `import { Pipeline, Step, each } from 'run-pipeline';\n\n@Pipeline({ name: '${name}', project: 'page', cache: true })\nexport class P {\n`;

const WIDE = 10;

/** Each step after two or three of the layer before. */
function parentsOf(index: number): readonly number[] {
  const layer = Math.floor(index / WIDE);
  const before = [0, 3, ...(index % 3 === 0 ? [7] : [])];
  return layer === 0 ? [] : before.map((by) => (layer - 1) * WIDE + (((index % WIDE) + by) % WIDE));
}

/** The same graph as `layered`, as a run that has ended. */
export const writtenLayers = (steps: number): readonly WrittenStep[] =>
  Array.from({ length: steps }, (_, index) => ({
    name: `s${index}`,
    parents: parentsOf(index).map((parent) => `s${parent}`),
    artifacts: [storedValue('result', index)],
  }));

/** Layers of ten steps. */
export function layered(name: string, steps: number): string {
  const methods = Array.from({ length: steps }, (_, index) => {
    const parents = parentsOf(index);
    const inputs =
      parents.length === 0 ? '' : `inputs: [${parents.map((parent) => `'$<s${parent}.result>'`).join(', ')}]`;
    const names = parents.map((_, at) => `v${at}: number`).join(', ');
    return `  @Step({ ${inputs} })\n  s${index}(${names}): number {\n    return 1${parents.map((_, at) => ` + v${at} / 3`).join('')};\n  }`;
  });
  return `${head(name)}${methods.join('\n')}\n}\n`;
}

/** A list, a step for each of its elements, and one that takes them all. */
export const mapped = (name: string, elements: number): string =>
  `${head(name)}  @Step({ returns: ['list'] })
  list(): number[] {
    return Array.from({ length: ${elements} }, (_, index) => index);
  }
  @Step({ inputs: [each('$<list.list>')], returns: ['value'] })
  score(index: number): number {
    return index * 2;
  }
  @Step({ inputs: ['$<score.value>'] })
  best(values: number[]): number {
    return Math.max(...values);
  }
}
`;
