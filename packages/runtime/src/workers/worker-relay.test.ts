import { readFileSync } from 'node:fs';
import { RunPipelineError } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import type { ProjectCall, ProjectRelay } from '../project/relay.js';
import type { TaskOutcome, TaskRequest, WorkerPool } from './protocol.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

/** What a step does with the relay, as the framework's own code would. */
const ASK = `const relay = globalThis[Symbol.for('run-pipeline.project-relay')];
const ask = (method, ...args) => relay.call({ of: 'store', method, args });\n`;

async function execute(
  pool: WorkerPool,
  request: TaskRequest,
  service: ProjectRelay | undefined,
  isolation: 'process' | 'inline' = 'process',
): Promise<TaskOutcome> {
  return pool.execute({
    request,
    service,
    isolation,
    closureKey: 'k',
    ownWorker: false,
    signal: new AbortController().signal,
    onStart: async () => {},
    onLog: () => {},
    onReport: () => {},
  });
}

const value = async (outcome: TaskOutcome): Promise<unknown> =>
  outcome.status === 'completed' ? rig.decoded(outcome.artifacts[0]) : outcome;

function serviceOf(answer: (call: ProjectCall) => unknown): ProjectRelay & { change(): void } {
  const listeners = new Set<() => void>();
  return {
    call: async (call) => answer(call),
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    change: () => {
      for (const listener of listeners) listener();
    },
  };
}

test.each(['process', 'inline'] as const)(
  'a task asks its supervisor, and waits for the answer without seeming idle (%s)',
  async (isolation) => {
    const service = serviceOf(({ args }) => ({ got: args }));
    const request = await rig.request(
      `${ASK}export default async () => { const a = await ask('getRun', 'x', new Uint8Array([1, 2])); return [a.got[0], a.got[1][1], (await ask('getRun', 'y')).got[0]]; }`,
    );
    expect(await value(await execute(await rig.pool(), request, service, isolation))).toEqual(['x', 2, 'y']);
  },
);

test('an error of the supervisor is thrown in the task as it was, with its code', async () => {
  const service = serviceOf(() => {
    throw new RunPipelineError({ kind: 'store', code: 'store-unreachable', message: 'gone', help: 'wait' });
  });
  const request = await rig.request(
    `${ASK}export default async () => { try { await ask('getRun'); } catch (error) { return [error.kind, error.code, error.message, error.help, Symbol.for('run-pipeline.error') in error]; } }`,
  );
  expect(await value(await execute(await rig.pool(), request, service))).toEqual([
    'store',
    'store-unreachable',
    'gone',
    'wait',
    true,
  ]);
});

test('changes of the store wake a task that watches', async () => {
  const service = serviceOf(() => service.change());
  const request = await rig.request(
    `${ASK}export default () => new Promise((resolve) => { relay.watch(() => resolve('woken')); void ask('touch'); })`,
  );
  expect(await value(await execute(await rig.pool(), request, service))).toBe('woken');
});

test('a question that its task did not wait for is not answered to the next task', async () => {
  let release!: (value: unknown) => void;
  const late = new Promise((resolve) => (release = resolve));
  const pool = await rig.pool({ size: 1 });
  const slow = serviceOf(() => late);
  const first = await rig.request(`${ASK}export default () => { void ask('slow'); return process.pid; }`);
  const pid = await value(await execute(pool, first, slow));
  const second = await rig.request(`${ASK}export default async () => [await ask('mine'), process.pid]`);
  const answer = execute(
    pool,
    second,
    serviceOf(() => {
      release('of the first');
      return 'of the second';
    }),
  );
  expect(await value(await answer)).toEqual(['of the second', pid]);
});

test('without anybody who answers the task is told, and does not hang', async () => {
  const request = await rig.request(`${ASK}export default () => ask('getRun')`);
  expect(await execute(await rig.pool(), request, undefined)).toMatchObject({
    status: 'failed',
    error: { message: 'nobody answers questions about the project here' },
  });
});

test.runIf(process.platform === 'linux')(
  'a worker does not start with what is kept back: neither its own environment nor that of its children has it',
  async () => {
    process.env['PLANTED_PASSWORD'] = 'the-planted-password';
    const pool = await rig.pool({ withheld: ['PLANTED_PASSWORD'] });
    delete process.env['PLANTED_PASSWORD'];
    const request = await rig.request(
      `import { readFileSync } from 'node:fs'; import { execFileSync } from 'node:child_process';
       export default () => [readFileSync('/proc/self/environ', 'utf8'), execFileSync('/bin/cat', ['/proc/self/environ'], { encoding: 'utf8' }), JSON.stringify(process.env)].join()`,
    );
    const text = String(await value(await execute(pool, request, undefined)));
    expect(text).toContain('PATH=');
    expect(text).not.toContain('the-planted-password');
    expect(readFileSync('/proc/self/environ', 'utf8')).not.toContain('the-planted-password');
  },
);
