import { expect, test } from 'vitest';
import { buildGraph, drawnNodes, exportGraph } from '../graph/index.js';
import { CONFIGURATION_INPUT, TASK_INPUT } from '../model/definition.js';
import { isRunPipelineError } from '../model/errors.js';
import { PipelineController } from './controller.js';
import { each } from './each.js';
import { directory, file } from './file-value.js';
import { pipelineOf } from './subject.js';

const definitionOf = (pipe: object) => pipelineOf(pipe)!.definition();
const demo = () => new PipelineController({ name: 'pipeline demo', project: 'examples', version: '0.0.1' });
const findings = (pipe: object) =>
  buildGraph(definitionOf(pipe)).diagnostics.map(({ code, message, help }) => ({ code, message, help }));

const before = () => true;
const after = () => undefined;

function classic(): PipelineController {
  const pipe = demo();
  pipe.setDefaultExecutionQueue('default');
  pipe.addParameter({ name: 'url', default: 'https://example.com' });
  pipe.addStep({
    name: 'stage_data',
    baseTaskProject: 'examples',
    baseTaskName: 'pipeline step 1 dataset artifact',
  });
  pipe.addStep({
    name: 'stage_process',
    parents: ['stage_data'],
    baseTaskName: 'pipeline step 2 process dataset',
    parameterOverride: {
      'General/dataset_url': '${stage_data.artifacts.dataset.url}',
      'General/test_size': 0.25,
    },
    preExecuteCallback: before,
    postExecuteCallback: after,
  });
  pipe.addStep({
    name: 'stage_train',
    parents: ['stage_process'],
    baseTaskId: 'train-1',
    parameterOverride: { 'General/dataset_task_id': '$<stage_process.id>' },
    executionQueue: 'gpu',
    timeLimit: 60,
    cacheExecutedStep: true,
    cloneBaseTask: false,
  });
  return pipe;
}

test('the classic steps from tasks become a definition', () => {
  const [data, process, train] = definitionOf(classic()).steps;
  expect(data).toMatchObject({
    name: 'stage_data',
    code: {
      kind: 'task',
      base: { project: 'examples', name: 'pipeline step 1 dataset artifact' },
      clone: true,
    },
    inputs: { kind: 'none' },
    returns: undefined,
    parents: [],
    options: { isolation: 'fresh', queue: undefined, cache: undefined },
  });
  expect(process).toMatchObject({
    code: { base: { project: 'examples', name: 'pipeline step 2 process dataset' } },
    inputs: {
      kind: 'named',
      values: {
        'General/dataset_url': '${stage_data.artifacts.dataset.url}',
        'General/test_size': 0.25,
      },
    },
    options: { preExecuteCallback: before, postExecuteCallback: after },
  });
  expect(train).toMatchObject({
    code: { base: { id: 'train-1' }, clone: false },
    options: { queue: 'gpu', timeout: 60_000, cache: {} },
  });
  for (const step of [data, process, train]) expect(step!.source?.file).toMatch(/template-step\.test\.ts$/);
});

test('the classic steps from tasks are a chain', () => {
  const pipe = classic();
  const { graph, diagnostics } = buildGraph(definitionOf(pipe));
  expect(diagnostics).toEqual([]);
  expect(graph!.order).toEqual(['stage_data', 'stage_process', 'stage_train']);
  expect([...pipe.getPipelineDag().values()]).toEqual([
    { name: 'stage_data', parents: [] },
    { name: 'stage_process', parents: ['stage_data'] },
    { name: 'stage_train', parents: ['stage_process'] },
  ]);
  for (const format of ['mermaid', 'dot', 'json', 'svg'] as const) {
    expect(exportGraph(drawnNodes(graph!), format)).toContain('stage_process');
  }
});

test('configurations and fields of the task are inputs of their own', () => {
  const pipe = demo();
  pipe.addStep({ name: 'data', baseTaskName: 'load' });
  pipe.addStep({
    name: 'train',
    baseTaskName: 'train',
    parameterOverride: { 'Args/rows': ['$<data.artifacts.rows.url>', new Date(0)] },
    configurationOverrides: { model: { depth: 3, from: { id: '$<data.id>' } }, __proto__: null } as never,
    taskOverrides: { name: 'train on $<pipeline.url>', comment: '', type: 'training', tags: ['a'] },
  });
  const { inputs } = definitionOf(pipe).steps[1]!;
  expect(inputs.kind === 'named' && Object.keys(inputs.values)).toEqual([
    'Args/rows',
    `${CONFIGURATION_INPUT}model`,
    `${TASK_INPUT}name`,
    `${TASK_INPUT}comment`,
    `${TASK_INPUT}type`,
    `${TASK_INPUT}tags`,
  ]);
  expect(findings(pipe)).toEqual([
    {
      code: 'unknown-parameter',
      message: 'step `train`: `$<pipeline.url>`: there is no parameter `url`',
      help: 'there are no parameters',
    },
  ]);
});

test('what a task uploads and connects is not known before it runs: any name may be referred to', () => {
  const pipe = classic();
  pipe.addFunctionStep({
    name: 'report',
    function: (dataset: unknown, text: string) => [dataset, text],
    functionKwargs: {
      dataset: '$<stage_data.dataset>',
      text: '$<stage_data.artifacts.any.hash> $<stage_train.parameters.General/lr> $<stage_data.id> $<stage_train.model.layers.0>',
    },
  });
  pipe.addFunctionStep({
    name: 'score',
    function: (row: unknown) => row,
    functionKwargs: { row: each('$<stage_process.rows>') },
  });
  expect(findings(pipe)).toEqual([]);
  expect(pipe.getPipelineDag().get('report')!.parents).toEqual(['stage_data', 'stage_train']);
});

test('everything else about references is checked as ever', () => {
  const pipe = demo();
  pipe.addStep({ name: 'stage_data', baseTaskName: 'a' });
  pipe.addStep({
    name: 'stage_process',
    baseTaskName: 'b',
    parameterOverride: {
      'General/a': '$<stage_dta.artifacts.dataset.url>',
      'General/b': '$<stage_data.artifacts.dataset.urll>',
      'General/c': { deep: ['$<stage_data>'] },
      'General/d': '$<stage_data[0].dataset>',
      'General/e': '$<stage_process.id>',
    },
    configurationOverrides: { model: '$<stage_data.a b>' },
    taskOverrides: { comment: '$<nope' },
  });
  expect(findings(pipe).map(({ code, message }) => [code, message])).toEqual([
    [
      'invalid-reference',
      'step `stage_process`: parameterOverride["General/c"].deep[0]: `$<stage_data>` is not a reference: it names no return: `$<stage_data.RETURN>`, or `$<stage_data.result>` if none is declared',
    ],
    [
      'invalid-reference',
      'step `stage_process`: configurationOverrides["model"]: `$<stage_data.a b>` is not a reference: ` ` cannot be in a reference',
    ],
    [
      'invalid-reference',
      'step `stage_process`: taskOverrides.comment: `$<nope` is not a reference: `>` is missing',
    ],
    [
      'unknown-step',
      'step `stage_process`: `$<stage_dta.artifacts.dataset.url>`: there is no step `stage_dta`',
    ],
    [
      'unknown-attribute',
      'step `stage_process`: `$<stage_data.artifacts.dataset.urll>`: artifacts have no `urll`',
    ],
    [
      'not-mapped',
      'step `stage_process`: `$<stage_data[0].dataset>`: `stage_data` is one step, not one for each element of a list',
    ],
    ['self-reference', 'step `stage_process`: `$<stage_process.id>`: a step cannot take its own result'],
  ]);
  expect(findings(pipe)[3]!.help).toBe('did you mean `stage_data`?');
});

test('a file parameter cannot be a parameter of a task, whole or in text; other steps take it', () => {
  const pipe = demo();
  pipe.addParameter({ name: 'data', type: 'file', default: 'iris.csv' });
  pipe.addParameter({ name: 'folder', default: directory('rows') });
  pipe.addStep({
    name: 'a',
    baseTaskName: 'x',
    parameterOverride: { 'General/data': '$<pipeline.data>' } as {},
  });
  pipe.addStep({ name: 'b', baseTaskName: 'x', taskOverrides: { comment: 'of $<pipeline.folder>' } as {} });
  pipe.addFunctionStep({
    name: 'c',
    function: (data: unknown) => data,
    functionKwargs: { data: '$<pipeline.data>' } as {},
  });
  expect(findings(pipe).map(({ code, message }) => [code, message])).toEqual([
    ['file-override', 'step `a`: `$<pipeline.data>`: `data` is a file, and a parameter of a task is a value'],
    [
      'file-override',
      'step `b`: `$<pipeline.folder>`: `folder` is a file, and a parameter of a task is a value',
    ],
  ]);
});

test('a cycle, a reserved and a repeated name of steps from tasks are errors', () => {
  const pipe = demo();
  pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { 'General/b': '$<b.id>' } });
  pipe.addStep({ name: 'b', baseTaskName: 'x', parents: ['a'] });
  pipe.addStep({ name: 'pipeline', baseTaskName: 'x' });
  pipe.addStep({ name: 'b', baseTaskName: 'x' });
  expect(
    findings(pipe)
      .map(({ code }) => code)
      .sort(),
  ).toEqual(['cycle', 'duplicate-name', 'reserved-name']);
});

test.each<[string, (pipe: PipelineController) => unknown, RegExp, RegExp?]>([
  [
    'a parameter without its section',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { dataset_url: 1 } as never }),
    /addStep\("a"\) overrides the parameter "dataset_url" without saying its section/,
    /Write "General\/dataset_url"/,
  ],
  [
    'a section without a parameter',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { 'Args/': 1 } as never }),
    /overrides the parameter "Args\/", which is not SECTION\/NAME/,
    /Write "General\/Args"/,
  ],
  [
    'a section that reads as something else',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { 'configuration:a/b': 1 } }),
    /the name of a section holds no colon/,
    /configurationOverrides/,
  ],
  [
    'no base task',
    (pipe) => pipe.addStep({ name: 'a' } as never),
    /addStep\("a"\) names no task to execute/,
    /"baseTaskName"/,
  ],
  [
    'a project alone',
    (pipe) => pipe.addStep({ name: 'a', baseTaskProject: 'x' } as never),
    /names the project of a task, but not the task/,
  ],
  [
    'two base tasks',
    (pipe) => pipe.addStep({ name: 'a', baseTaskId: 'x', baseTaskName: 'y' } as never),
    /names its task twice: by "baseTaskId", and by "baseTaskName"/,
  ],
  [
    'an id with a project',
    (pipe) => pipe.addStep({ name: 'a', baseTaskId: 'x', baseTaskProject: 'y' } as never),
    /names its task twice: by "baseTaskId", and by "baseTaskProject"/,
  ],
  [
    'a base task that only the run would know',
    (pipe) => pipe.addStep({ name: 'a', baseTaskId: '$<b.id>' }),
    /names its task by a reference, "\$<b\.id>"/,
    /parameterOverride/,
  ],
  [
    'each() in an override',
    (pipe) =>
      pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { 'General/b': each([1]) } as never }),
    /has each\(\) in parameterOverride\["General\/b"\]/,
  ],
  [
    'each() deep in an override',
    (pipe) =>
      pipe.addStep({
        name: 'a',
        baseTaskName: 'x',
        configurationOverrides: { b: { c: [each('$<b.c>')] } },
      }),
    /has each\(\) in configurationOverrides\["b"\]/,
  ],
  [
    'file() in an override',
    (pipe) =>
      pipe.addStep({
        name: 'a',
        baseTaskName: 'x',
        parameterOverride: { 'General/b': { c: [file('x.csv')] } },
      }),
    /has file\(\) or directory\(\) in parameterOverride\["General\/b"\]/,
    /STEP\.artifacts\.NAME\.url/,
  ],
  [
    'directory() in a configuration',
    (pipe) =>
      pipe.addStep({
        name: 'a',
        baseTaskName: 'x',
        configurationOverrides: { b: directory('x') } as never,
      }),
    /has file\(\) or directory\(\) in configurationOverrides\["b"\]/,
  ],
  [
    'undefined in an override',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: { 'General/b': undefined } }),
    /sets parameterOverride\["General\/b"\] to undefined/,
  ],
  [
    'an unknown field of a task',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', taskOverrides: { tag: ['b'] } as never }),
    /"taskOverrides" of addStep\("a"\) has no option "tag" \(did you mean "tags"\?\)/,
  ],
  [
    'an unknown type of task',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', taskOverrides: { type: 'trainig' as never } }),
    /as "type", not "trainig" \(did you mean "training"\?\)/,
  ],
  [
    'a list of overrides',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', parameterOverride: [1] as never }),
    /takes a plain object as "parameterOverride", not an array/,
  ],
  [
    'an option that a task has no use for',
    (pipe) => pipe.addStep({ name: 'a', baseTaskName: 'x', isolation: 'inline' } as never),
    /addStep\("a"\) has no option "isolation"/,
  ],
])('%s is refused at the call', (_what, declare, message, help) => {
  const refused = (() => {
    try {
      declare(demo());
    } catch (error) {
      return error;
    }
    return undefined;
  })();
  if (!isRunPipelineError(refused)) throw new Error(`not refused as it should be: ${String(refused)}`);
  expect(refused.message).toMatch(message);
  expect(refused.kind).toBe('definition');
  expect(refused.at?.file).toMatch(/template-step\.test\.ts$/);
  if (help !== undefined) expect(refused.help).toMatch(help);
});
