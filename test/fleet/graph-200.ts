/** Ten layers of twenty steps, each of which takes what three steps of the layer before returned: 200 steps. */
const LAYERS = 10;
const WIDTH = 20;

export const GRAPH_STEPS = LAYERS * WIDTH;

/** Values are small (kept in the store) and, from every fifth step, large (kept as blobs). */
export const GRAPH = `
import { PipelineController } from 'run-pipeline';

type Value = { sum: number; rows: number[] };
const first = ({ at }: { at: number }): Value => ({ sum: at, rows: Array.from({ length: at % 5 === 0 ? 6000 : 10 }, (_, i) => i * at) });
const next = ({ at, a, b, c }: { at: number; a: Value; b: Value; c: Value }): Value => {
  console.log('step', at);
  const sum = (a.sum + 2 * b.sum + 3 * c.sum + at) % 1000003;
  return { sum, rows: at % 5 === 0 ? [...a.rows, ...b.rows, ...c.rows].slice(0, 6000).map((one) => one + sum) : [sum] };
};

export const pipe = new PipelineController({ name: 'graph', project: 'fleet' });
const name = (layer: number, index: number): string => 'l' + layer + '_' + index % ${WIDTH};
const value = (layer: number, index: number): string => '$<' + name(layer, index) + '.value>';
for (let layer = 0; layer < ${LAYERS}; layer++) {
  for (let index = 0; index < ${WIDTH}; index++) {
    const at = layer * ${WIDTH} + index;
    pipe.addFunctionStep({
      name: name(layer, index),
      functionReturn: ['value'],
      ...(layer === 0
        ? { function: first, functionKwargs: { at } }
        : {
            function: next,
            functionKwargs: { at, a: value(layer - 1, index), b: value(layer - 1, index + 1), c: value(layer - 1, index + 7) },
          }),
    });
  }
}
`;
