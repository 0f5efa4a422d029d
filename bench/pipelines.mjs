// The graphs that are measured: trivial steps, so that what remains is the tool.

/** `steps` in a row, each adding one to what the one before gave. */
export function chain(steps, options = {}) {
  const methods = Array.from({ length: steps }, (_, i) => {
    const inputs = i === 0 ? '' : `inputs: ['$<s${i - 1}.value>'], `;
    const parameter = i === 0 ? '' : 'previous: number';
    const body = options.edit === i ? '+ 2' : '+ 1';
    return `  @Step({ ${inputs}returns: ['value'] })\n  s${i}(${parameter}): number {\n    return ${i === 0 ? '0' : 'previous'} ${body};\n  }`;
  });
  return file(`chain-${steps}`, methods);
}

/** One list, `steps - 2` steps that take it, and one that takes the last of them. */
export function fan(steps, options = {}) {
  const middle = Array.from({ length: steps - 2 }, (_, i) => {
    const add = options.edit === i ? i + 1_000_000 : i;
    return `  @Step({ inputs: ['$<source.value>'], returns: ['value'] })\n  s${i}(value: number): number {\n    return value + ${add};\n  }`;
  });
  const methods = [
    `  @Step({ returns: ['value'] })\n  source(): number {\n    return 1;\n  }`,
    ...middle,
    `  @Step({ inputs: ['$<s0.value>'], returns: ['value'] })\n  sink(value: number): number {\n    return value;\n  }`,
  ];
  return file(`fan-${steps}`, methods);
}

function file(name, methods) {
  return `import { Pipeline, Step } from 'run-pipeline';\n\n@Pipeline({ name: '${name}', cache: true })\nexport class P {\n${methods.join('\n\n')}\n}\n`;
}

/** Layers of ten steps, each after two or three of the layer before: what graphs of some size look like. */
export function layered(steps) {
  const wide = 10;
  const methods = Array.from({ length: steps }, (_, index) => {
    const layer = Math.floor(index / wide);
    const parents =
      layer === 0
        ? []
        : [0, 3, ...(index % 3 === 0 ? [7] : [])].map(
            (by) => (layer - 1) * wide + (((index % wide) + by) % wide),
          );
    const inputs = parents.map((parent) => `'$<s${parent}.result>'`).join(', ');
    const names = parents.map((_, at) => `v${at}: number`).join(', ');
    return `  @Step({ inputs: [${inputs}] })\n  s${index}(${names}): number {\n    return 1${parents.map((_, at) => ` + v${at} / 3`).join('')};\n  }`;
  });
  return file(`layered-${steps}`, methods);
}
