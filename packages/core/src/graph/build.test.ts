import fc from 'fast-check';
import { expect, test } from 'vitest';
import { each } from '../define/each.js';
import { file } from '../define/file-value.js';
import type { PipelineDefinition } from '../model/definition.js';
import { stepName } from '../model/ids.js';
import { buildGraph } from './build.js';
import type { Graph } from './graph.js';
import { pipelineFixture } from './pipeline.fixture.js';

function graphOf(definition: PipelineDefinition): Graph {
  const { graph, diagnostics } = buildGraph(definition);
  expect(diagnostics).toEqual([]);
  if (graph === undefined) throw new Error('no graph');
  return graph;
}

/** `code: message (line) help` of every finding. */
function findings(definition: PipelineDefinition): readonly string[] {
  const { graph, diagnostics } = buildGraph(definition);
  expect(graph === undefined).toBe(diagnostics.some((item) => item.severity === 'error'));
  return diagnostics.map(
    (item) =>
      `${item.code}:${item.at?.line ?? '?'}: ${item.message}${item.help === undefined ? '' : ` | ${item.help}`}`,
  );
}

const parentsOf = (graph: Graph, name: string): readonly string[] =>
  graph.nodes.get(stepName(name))?.parents ?? [];

test('references make the parents, explicit ones are added, none twice', () => {
  const graph = graphOf(
    pipelineFixture(
      {
        report: {
          inputs: { rows: { train: '$<split.train>', n: '$<load.result.length>' }, again: '$<split.test>' },
          parents: ['notify', 'load'],
        },
        notify: {},
        load: { inputs: ['$<pipeline.url>'] },
        split: { inputs: [['$<load.result>'], '$<load.id>'], returns: ['train', 'test'] },
      },
      { url: 'x' },
    ),
  );
  expect(parentsOf(graph, 'report')).toEqual(['split', 'load', 'notify']);
  expect(parentsOf(graph, 'load')).toEqual([]);
  expect(graph.nodes.get(stepName('load'))?.children).toEqual(['report', 'split']);
  expect(graph.order).toEqual(['notify', 'load', 'split', 'report']);
});

test('parents come before children, ties in order of declaration', () => {
  expect(
    graphOf(
      pipelineFixture({
        d: { parents: ['b', 'c'] },
        c: { parents: ['a'] },
        b: { parents: ['a'] },
        a: {},
        e: {},
      }),
    ).order,
  ).toEqual(['a', 'c', 'b', 'd', 'e']);
  expect(graphOf(pipelineFixture({ z: {}, y: {}, x: { parents: ['z'] } })).order).toEqual(['z', 'y', 'x']);
});

test('any acyclic graph is ordered, the same every time', () => {
  const edges = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 80 });
  fc.assert(
    fc.property(edges, fc.array(fc.nat(), { minLength: 31, maxLength: 31 }), (pairs, shuffle) => {
      const parents = new Map<number, string[]>();
      for (const [a, b] of pairs)
        if (a !== b)
          parents.set(Math.max(a, b), [...(parents.get(Math.max(a, b)) ?? []), `s${Math.min(a, b)}`]);
      const declared = shuffle.map((key, index) => [key, index] as const).sort(([a], [b]) => a - b);
      const definition = pipelineFixture(
        declared.map(([, index]) => [`s${index}`, { parents: parents.get(index) ?? [] }] as const),
      );
      const { order } = graphOf(definition);
      expect(new Set(order).size).toBe(31);
      const place = new Map(order.map((name, index) => [name as string, index]));
      for (const [child, list] of parents)
        for (const parent of list) expect(place.get(parent)).toBeLessThan(place.get(`s${child}`) ?? -1);
      expect(graphOf(definition).order).toEqual(order);
    }),
    { numRuns: 50 },
  );
});

test('unknown steps, returns, parameters and attributes are named with what was meant', () => {
  expect(
    findings(
      pipelineFixture(
        {
          step_one: { returns: ['data_frame'] },
          nothing: { returns: [] },
          plain: {},
          bad: {
            inputs: [
              '$<step_won.data_frame>',
              '$<step_one.data_fame>',
              '$<pipeline.ulr>',
              '$<step_one.artifacts.data_frame.hsh>',
              '$<nothing.result>',
              '$<plain.accuracy.best>',
              'text ${plan.id} text',
              '$<step_won.data_frame>',
            ],
          },
        },
        { url: 'x' },
      ),
    ),
  ).toEqual([
    'unknown-step:5: step `bad`: `$<step_won.data_frame>`: there is no step `step_won` | did you mean `step_one`?',
    'unknown-return:5: step `bad`: `$<step_one.data_fame>`: step `step_one` does not return `data_fame` | did you mean `data_frame`?',
    'unknown-parameter:5: step `bad`: `$<pipeline.ulr>`: there is no parameter `ulr` | did you mean `url`?',
    'unknown-attribute:5: step `bad`: `$<step_one.artifacts.data_frame.hsh>`: artifacts have no `hsh` | did you mean `hash`?',
    'unknown-return:5: step `bad`: `$<nothing.result>`: step `nothing` keeps nothing (`returns: []`) | add `result` to its returns',
    'unknown-return:5: step `bad`: `$<plain.accuracy.best>`: step `plain` declares no returns: its value is called `result` | write `$<plain.result>`, `$<plain.result.accuracy.best>` for a part of it, or declare `returns`',
    'unknown-step:5: step `bad`: `${plan.id}`: there is no step `plan` | did you mean `plain`?',
  ]);
});

test('an artifact that is no return may be uploaded by the step: a warning', () => {
  const { graph, diagnostics } = buildGraph(
    pipelineFixture({ a: { returns: ['x'] }, b: { inputs: ['$<a.artifacts.y.url>'] } }),
  );
  expect(graph).toBeDefined();
  expect(diagnostics).toMatchObject([{ code: 'unknown-artifact', severity: 'warning' }]);
});

test('arguments of a function are its task parameters in the section kwargs', () => {
  expect(
    findings(
      pipelineFixture({
        a: { inputs: { rate: 1 } },
        b: {
          inputs: [
            '$<a.parameters.kwargs/rate>',
            '$<a.parameters.General/any>',
            '$<a.parameters.kwargs/rte>',
          ],
        },
      }),
    ),
  ).toEqual([
    'unknown-parameter:3: step `b`: `$<a.parameters.kwargs/rte>`: step `a` has no input `rte` | did you mean `rate`?',
  ]);
});

test('a reference that does not parse is reported with its input', () => {
  expect(findings(pipelineFixture({ a: { inputs: { rows: [{ x: '$<load>' }] } } }))).toEqual([
    'invalid-reference:2: step `a`: inputs.rows[0].x: `$<load>` is not a reference: it names no return: `$<load.RETURN>`, or `$<load.result>` if none is declared | write $<STEP.RETURN> or $<pipeline.PARAMETER>; to keep it as text, write $$<',
  ]);
});

test('a cycle is shown from the earliest declared step', () => {
  expect(
    findings(
      pipelineFixture({
        c: { inputs: ['$<b.result>'] },
        a: { inputs: ['$<c.result>'] },
        b: { parents: ['a'] },
        after: { parents: ['b'] },
      }),
    ),
  ).toEqual([
    'cycle:2: steps depend on each other in a cycle: c -> a -> b -> c | remove one of these references or parents',
  ]);
});

test('each of several cycles is reported once', () => {
  const found = findings(
    pipelineFixture({
      a: { parents: ['b'] },
      b: { parents: ['a'] },
      c: { parents: ['d', 'a'] },
      d: { parents: ['c'] },
    }),
  );
  expect(found.map((text) => text.split(' | ')[0])).toEqual([
    'cycle:2: steps depend on each other in a cycle: a -> b -> a',
    'cycle:4: steps depend on each other in a cycle: c -> d -> c',
  ]);
});

test('a step cannot take its own result or be its own parent', () => {
  expect(findings(pipelineFixture({ a: { inputs: ['$<a.result>'] }, b: { parents: ['b'] } }))).toEqual([
    'self-reference:2: step `a`: `$<a.result>`: a step cannot take its own result',
    'self-parent:3: step `b` is its own parent | remove it from `parents`',
  ]);
});

test('an unknown parent is named with what was meant', () => {
  expect(
    findings(pipelineFixture({ load: { inputs: [each([1])] }, b: { parents: ['laod', 'load[0]'] } })),
  ).toEqual([
    'unknown-parent:3: step `b`: there is no step `laod` that could be its parent | did you mean `load`?',
    'unknown-parent:3: step `b`: there is no step `load[0]` that could be its parent | parents are whole steps: `load`',
  ]);
});

test('duplicate, reserved and malformed names are rejected', () => {
  const definition = pipelineFixture([
    ['a', { returns: ['x', 'x', 'then', 'id', 'a b'] }],
    ['pipeline', {}],
    ['a', { inputs: ['$<nowhere.x>'] }],
    ['2nd step', {}],
    ['x'.repeat(201), {}],
  ]);
  expect(findings(definition).map((text) => text.slice(0, 70))).toEqual([
    expect.stringMatching(/^duplicate-name:4: there are two steps called `a`/),
    expect.stringMatching(/^duplicate-name:2: step `a` declares the return `x` twice/),
    expect.stringMatching(/^reserved-name:2: step `a`: a return cannot be called `then`/),
    expect.stringMatching(/^reserved-name:2: step `a`: a return cannot be called `id`/),
    expect.stringMatching(/^invalid-name:2: step `a`: `a b` cannot be the name of a return/),
    expect.stringMatching(/^reserved-name:3: a step cannot be called `pipeline`/),
    expect.stringMatching(/^invalid-name:5: `2nd step` cannot be the name of a step/),
    expect.stringMatching(/^invalid-name:6: `xxx/),
  ]);
  expect(buildGraph(definition).diagnostics[0]?.related?.[0]?.at?.line).toBe(2);
});

test('names that mean something to JavaScript are names', () => {
  const graph = graphOf(
    pipelineFixture([
      ['__proto__', { returns: ['constructor'] }],
      ['toString', { inputs: ['$<__proto__.constructor.valueOf>'] }],
    ]),
  );
  expect(graph.order).toEqual(['__proto__', 'toString']);
  expect(
    findings(pipelineFixture({ a: { inputs: ['$<constructor.x>', '$<pipeline.hasOwnProperty>'] } })),
  ).toHaveLength(2);
});

test('a reference to a mapped step, or to one of its elements, has the mapped step as parent', () => {
  const graph = graphOf(
    pipelineFixture({
      files: {},
      score: { inputs: [each('$<files.result>'), each([1, 2])], returns: ['x'] },
      all: { inputs: ['$<score.x>', '$<score[1].x>', '$<score[0].id>'] },
    }),
  );
  expect(parentsOf(graph, 'all')).toEqual(['score']);
  expect([...graph.nodes.values()].map((node) => node.mapped)).toEqual([false, true, false]);
});

test('elements are those of mapped steps, as far as is known', () => {
  expect(
    findings(
      pipelineFixture({
        one: {},
        score: { inputs: [each(['a', 'b'])] },
        bad: { inputs: ['$<one[0].result>', '$<score[2].result>', '$<none[0].x>'] },
      }),
    ),
  ).toEqual([
    'not-mapped:4: step `bad`: `$<one[0].result>`: `one` is one step, not one for each element of a list | an element of its value is `$<one.result.0>`',
    'unknown-element:4: step `bad`: `$<score[2].result>`: `score` has 2 elements | the last one is `score[1]`',
    'unknown-step:4: step `bad`: `$<none[0].x>`: there is no step `none` | did you mean `one`?',
  ]);
});

test('nested each() and lists of unequal length are rejected', () => {
  expect(
    findings(
      pipelineFixture({ a: { inputs: { deep: [each([1])] } }, b: { inputs: [each([1, 2]), each(['x'])] } }),
    ).map((text) => text.split(' | ')[0]),
  ).toEqual([
    'nested-each:2: step `a`: inputs.deep[0]: each() can only be a whole input, not inside another value',
    'each-length:3: step `b`: several each() zip, but their lists have 2 and 1 elements',
  ]);
});

test('a reference in the path of a file makes a parent', () => {
  expect(
    parentsOf(graphOf(pipelineFixture({ a: {}, b: { inputs: [file('out/$<a.result>.csv')] } })), 'b'),
  ).toEqual(['a']);
});

test('a pipeline without steps is a warning, a pipeline function has none yet', () => {
  expect(findings(pipelineFixture({}))).toEqual([
    'no-steps:1: pipeline `demo` has no steps | add one with addFunctionStep(…) or addStep(…)',
  ]);
  expect(findings(pipelineFixture({}, {}, 'function'))).toEqual([]);
});

test('ten thousand steps, and ten thousand mistakes, cost linear time', () => {
  const count = 10_000;
  const chain = (wrong: boolean): PipelineDefinition =>
    pipelineFixture(
      Array.from(
        { length: count },
        (_, index) =>
          [
            `step_${index}`,
            {
              inputs: index === 0 ? [] : [`$<${wrong ? 'stpe' : 'step'}_${index - 1}.result>`, { n: index }],
            },
          ] as const,
      ),
    );
  expect(graphOf(chain(false)).order).toHaveLength(count);
  expect(buildGraph(chain(true)).diagnostics).toHaveLength(count - 1);
  const ring = pipelineFixture(
    Array.from(
      { length: count },
      (_, index) => [`s${index}`, { parents: [`s${(index + 1) % count}`] }] as const,
    ),
  );
  const [cycle] = buildGraph(ring).diagnostics;
  expect(cycle?.message).toContain('s0 -> s9999 -> ');
  expect(cycle?.message).toContain('(9990 more)');
});
