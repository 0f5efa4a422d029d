/** Source of pipelines of any size, for the page: what they compute does not matter, what they look like does. */

const head = (name: string): string =>
  `import { Pipeline, Step, each } from 'run-pipeline';\n\n@Pipeline({ name: '${name}', project: 'page', cache: true })\nexport class P {\n`;

/** Layers of ten steps, each after two or three of the layer before. */
export function layered(name: string, steps: number): string {
  const wide = 10;
  const methods = Array.from({ length: steps }, (_, index) => {
    const layer = Math.floor(index / wide);
    const column = index % wide;
    const parents =
      layer === 0
        ? []
        : [0, 3, ...(index % 3 === 0 ? [7] : [])].map((by) => (layer - 1) * wide + ((column + by) % wide));
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
