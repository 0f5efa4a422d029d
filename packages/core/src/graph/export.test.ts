import fc from 'fast-check';
import { expect, test } from 'vitest';
import { each } from '../define/each.js';
import { buildGraph } from './build.js';
import { drawnNodes, exportGraph, type DrawnNode } from './export.js';
import type { Graph } from './graph.js';
import { layeredLayout } from './layout.js';
import { pipelineFixture } from './pipeline.fixture.js';

const { graph } = buildGraph(
  pipelineFixture({
    report: { inputs: ['$<score.result>', '$<load.result>'] },
    load: {},
    score: { inputs: [each('$<load.result>')] },
  }),
);
const nodes = drawnNodes(graph as Graph);
const hostile: readonly DrawnNode[] = [
  { name: '"]; click n0 "javascript:x', parents: [] },
  { name: '<script>&\u0000\ud800\\', parents: ['"]; click n0 "javascript:x', 'not drawn'] },
];

test('a graph as Mermaid', () => {
  expect(exportGraph(nodes, 'mermaid')).toBe(
    'flowchart LR\n  n0["load"]\n  n1[["score"]]\n  n2["report"]\n  n0 --> n1\n  n1 --> n2\n  n0 --> n2\n',
  );
  expect(exportGraph(hostile, 'mermaid')).toBe(
    'flowchart LR\n  n0["#34;]#59; click n0 #34;javascript#58;x"]\n  n1["#60;script#62;#38;#0;#55296;#92;"]\n  n0 --> n1\n',
  );
});

test('a graph for Graphviz', () => {
  expect(exportGraph(nodes, 'dot', { title: 'a "b"' })).toBe(
    [
      'digraph "a \\"b\\"" {',
      '  rankdir=LR;',
      '  node [shape=box, style=rounded];',
      '  "load";',
      '  "score" [peripheries=2];',
      '  "report";',
      '  "load" -> "score";',
      '  "score" -> "report";',
      '  "load" -> "report";',
      '}',
      '',
    ].join('\n'),
  );
  expect(exportGraph(hostile, 'dot')).toContain('"\\"]; click n0 \\"javascript:x" -> ');
});

test('a graph as JSON has names and parents', () => {
  expect(JSON.parse(exportGraph(nodes, 'json'))).toEqual({
    nodes: [
      { name: 'load', parents: [] },
      { name: 'score', parents: ['load'] },
      { name: 'report', parents: ['score', 'load'] },
    ],
  });
});

test('a picture has every node and edge, and nothing in a name is markup', () => {
  const text = exportGraph(nodes, 'svg', { title: 'demo' });
  expect(text.match(/<text /g)).toHaveLength(3);
  expect(text.match(/<path /g)).toHaveLength(3);
  expect(text).toContain('<title>demo</title>');
  for (const [, path = ''] of text.matchAll(/<path d="([^"]*)"/g)) {
    const xs = [...path.matchAll(/(?:M|H)([\d.]+)|C(?:[\d.]+ ){4}([\d.]+)/g)].map(([, move, curve]) =>
      Number(move ?? curve),
    );
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
  }
  const evil = exportGraph(hostile, 'svg', { title: '</title><script>' });
  expect(evil).not.toContain('<script');
  expect(evil).toContain('&lt;script&gt;&amp;\ufffd\ufffd\\');
  expect(exportGraph([], 'svg')).toMatch(/^<svg [^]*<\/svg>\n$/);
});

const SIZE = { height: 34, gapX: 56, gapY: 18 };

test('nodes of a layer never overlap and edges point forward', () => {
  const graphs = fc.array(fc.tuple(fc.nat(25), fc.nat(25)), { maxLength: 70 });
  fc.assert(
    fc.property(
      graphs,
      fc.array(fc.integer({ min: 40, max: 300 }), { minLength: 26, maxLength: 26 }),
      (pairs, widths) => {
        const edges = pairs.flatMap(([a, b]) => (a === b ? [] : [[Math.min(a, b), Math.max(a, b)] as const]));
        const layout = layeredLayout(edges, { widths, ...SIZE });
        for (const [index, [from, to]] of edges.entries()) {
          const start = layout.nodes[from]!;
          const end = layout.nodes[to]!;
          expect(start.x + widths[from]! / 2).toBeLessThan(end.x - widths[to]! / 2);
          expect(layout.edges[index]!.at(0)).toEqual(start);
          expect(layout.edges[index]!.at(-1)).toEqual(end);
        }
        for (const [i, a] of layout.nodes.entries()) {
          expect(a.x - widths[i]! / 2).toBeGreaterThanOrEqual(-1e-6);
          expect(a.x + widths[i]! / 2).toBeLessThanOrEqual(layout.width + 1e-6);
          expect(a.y + SIZE.height / 2).toBeLessThanOrEqual(layout.height + 1e-6);
          for (const b of layout.nodes.slice(i + 1)) {
            if (a.x === b.x) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(SIZE.height);
          }
        }
        expect(layeredLayout(edges, { widths, ...SIZE })).toEqual(layout);
      },
    ),
    { numRuns: 60 },
  );
});

test('two chains do not cross', () => {
  // Declared so that the first order has the crossing.
  const layout = layeredLayout(
    [
      [0, 3],
      [1, 2],
    ],
    { widths: [60, 60, 60, 60], ...SIZE },
  );
  expect(
    (layout.nodes[0]!.y - layout.nodes[1]!.y) * (layout.nodes[3]!.y - layout.nodes[2]!.y),
  ).toBeGreaterThan(0);
});

test('large graphs are drawn too', () => {
  const wide = Array.from({ length: 2_000 }, (_, index): DrawnNode => ({
    name: `s${index}`,
    parents: index === 0 ? [] : ['s0'],
  }));
  expect(exportGraph(wide, 'svg').match(/<path /g)).toHaveLength(1_999);
  const long = Array.from({ length: 1_000 }, (_, index): DrawnNode => ({
    name: `s${index}`,
    parents: index === 0 ? [] : [`s${index - 1}`, ...(index > 1 ? ['s0'] : [])],
  }));
  expect(exportGraph(long, 'svg').match(/<path /g)).toHaveLength(999 + 998);
});
