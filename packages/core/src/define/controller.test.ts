import { afterEach, expect, test } from 'vitest';
import { PipelineController } from './controller.js';
import { each } from './each.js';
import { type Run, type RunHost, type RunOptions, setRunHost } from './host.js';
import { pipelineOf } from './subject.js';

const stepOne = (pickleDataUrl: string): string => pickleDataUrl;
const definitionOf = (pipe: object) => pipelineOf(pipe)!.definition();
const demo = () => new PipelineController({ name: 'pipeline demo', project: 'examples', version: '0.0.1' });

let previous: RunHost | undefined;
afterEach(() => void setRunHost(previous));

test('the classic statements become a definition', () => {
  const pipe = new PipelineController({ name: 'pipeline demo', project: 'examples', addPipelineTags: true });
  pipe.setDefaultExecutionQueue('default');
  pipe.addParameter({ name: 'url', description: 'url of the CSV', default: 'x' });
  pipe.addFunctionStep({
    name: 'step_one',
    function: stepOne,
    functionKwargs: { pickleDataUrl: '$<pipeline.url>' },
    functionReturn: ['data_frame'],
    cacheExecutedStep: true,
    timeLimit: 90,
    retryOnFailure: { retries: 2, backoff: '5s' },
    continueBehaviour: { continueOnFail: true, skipChildrenOnFail: false },
    executionQueue: 'gpu',
    tags: ['mine'],
  });
  expect(definitionOf(pipe)).toMatchObject({
    kind: 'controller',
    name: 'pipeline demo',
    version: undefined,
    options: { queue: 'default', cache: false },
    parameters: [{ name: 'url', type: 'string', default: 'x', required: false }],
    steps: [
      {
        name: 'step_one',
        code: { kind: 'function', function: stepOne },
        inputs: { kind: 'named', values: { pickleDataUrl: '$<pipeline.url>' } },
        returns: ['data_frame'],
        options: {
          cache: { ttl: undefined, version: undefined, key: undefined },
          timeout: 90_000,
          retry: { retries: 2, backoff: 5_000, maxBackoff: 60_000 },
          continueOnFail: true,
          continueOnAbort: false,
          skipChildrenOnFail: false,
          skipChildrenOnAbort: true,
          queue: 'gpu',
          tags: ['mine', 'pipe: pipeline demo'],
        },
      },
    ],
  });
});

test('the call site of each declaration is this file', () => {
  const pipe = demo();
  pipe.addParameter({ name: 'url', default: 'x' });
  pipe.addFunctionStep({ name: 'step_one', function: stepOne });
  const definition = definitionOf(pipe);
  for (const source of [definition.source, definition.parameters[0]!.source, definition.steps[0]!.source]) {
    expect(source?.file).toMatch(/controller\.test\.ts$/);
  }
});

test('`source` overrides the file', () => {
  const pipe = new PipelineController({ name: 'a', source: 'file:///elsewhere/pipe.ts' });
  expect(definitionOf(pipe).source).toEqual({ file: 'file:///elsewhere/pipe.ts', line: 1, column: 1 });
});

test('chains, and steps registered in a loop, add up', () => {
  const pipe = demo();
  for (const depth of [1, 2]) {
    pipe.addParameter({ name: `p${depth}`, default: depth }).addFunctionStep({
      name: `s${depth}`,
      function: (n: number) => n,
      functionKwargs: { n: each([1, 2]) },
    });
  }
  const definition = definitionOf(pipe);
  expect(definition.steps.map((step) => step.name)).toEqual(['s1', 's2']);
  expect(definition.parameters.map((parameter) => parameter.type)).toEqual(['number', 'number']);
});

test.each<[string, (pipe: PipelineController) => unknown, RegExp]>([
  [
    'an unknown option',
    (pipe) => pipe.addFunctionStep({ name: 'a', function: stepOne, cache: true } as never),
    /addFunctionStep\("a"\) has no option "cache"/,
  ],
  [
    'a missing function',
    (pipe) => pipe.addFunctionStep({ name: 'a' } as never),
    /needs the option "function"/,
  ],
  [
    'a list of kwargs',
    (pipe) => pipe.addFunctionStep({ name: 'a', function: stepOne, functionKwargs: ['x'] } as never),
    /takes an object as "functionKwargs"/,
  ],
  [
    'a repeated return',
    (pipe) => pipe.addFunctionStep({ name: 'a', function: stepOne, functionReturn: ['x', 'x'] } as never),
    /names "x" twice/,
  ],
  [
    'a duration as timeLimit',
    (pipe) => pipe.addFunctionStep({ name: 'a', function: stepOne, timeLimit: '9s' } as never),
    /takes seconds.*"timeLimit"/,
  ],
  [
    'the same parameter twice',
    (pipe) => pipe.addParameter({ name: 'a' }).addParameter({ name: 'a' }),
    /twice for the parameter "a"/,
  ],
  [
    'an unknown type',
    (pipe) => pipe.addParameter({ name: 'a', type: 'nubmer' as never }),
    /"type", not "nubmer" \(did you mean "number"\?\)/,
  ],
  [
    'a schema that is none',
    (pipe) => pipe.addParameter({ name: 'a', schema: {} as never }),
    /Standard Schema/,
  ],
  [
    'env that is secret too',
    (pipe) => pipe.addFunctionStep({ name: 'a', function: stepOne, env: ['K'], secrets: ['K'] }),
    /"K" as env and as a secret/,
  ],
])('%s is refused at the call', (_what, declare, message) => {
  expect(() => declare(demo())).toThrow(message);
});

test('a pipeline without a name is refused', () => {
  expect(() => new PipelineController({} as never)).toThrow(/needs the option "name"/);
});

test('the graph so far tells the parents of each step', () => {
  const pipe = demo();
  pipe.addFunctionStep({
    name: 'a',
    function: stepOne,
    functionKwargs: { pickleDataUrl: '$<pipeline.url>' },
  });
  pipe.addFunctionStep({
    name: 'b',
    function: stepOne,
    functionKwargs: { pickleDataUrl: 'of $<a.result> and $<c[0].id>' },
    parents: ['z', 'a'],
  });
  expect([...pipe.getPipelineDag().values()]).toEqual([
    { name: 'a', parents: [] },
    { name: 'b', parents: ['a', 'c', 'z'] },
  ]);
});

test('start and startLocally hand over to the host', async () => {
  const asked: RunOptions[] = [];
  const run = { status: 'completed' } as Run;
  previous = setRunHost({ run: async (_subject, options) => (asked.push(options), run) });
  const pipe = demo();
  expect(await pipe.start({ concurrency: 2 })).toBe(run);
  expect(pipe.isSuccessful()).toBe(true);
  await pipe.start({ queue: 'services' });
  await pipe.startLocally();
  await pipe.startLocally({ runPipelineStepsLocally: false });
  expect(asked.map(({ signal: _signal, ...rest }) => rest)).toEqual([
    { concurrency: 2 },
    { remote: 'services' },
    { local: true },
    {},
  ]);
});

test('a running pipeline can be waited for and stopped', async () => {
  previous = setRunHost({
    run: (_subject, { signal }) =>
      new Promise((resolve) =>
        signal!.addEventListener('abort', () => resolve({ status: 'aborted' } as Run)),
      ),
  });
  const pipe = demo();
  expect([pipe.isRunning(), pipe.elapsed(), await pipe.wait()]).toEqual([false, 0, true]);
  const run = pipe.start();
  expect([pipe.isRunning(), await pipe.wait(1)]).toEqual([true, false]);
  await expect(pipe.start()).rejects.toThrow(/running already/);
  await expect(pipe.start({ refersh: true } as never)).rejects.toThrow(
    /no option "refersh" \(did you mean "refresh"\?\)/,
  );
  await pipe.stop();
  expect([pipe.isRunning(), pipe.isSuccessful(), (await run).status]).toEqual([false, false, 'aborted']);
  expect(await pipe.wait('1m')).toBe(true);
});
