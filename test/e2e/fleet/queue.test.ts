import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { query, runPipeline, watchRun, type RunWatched } from '../../rig/command.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../rig/postgres.js';
import { startRedis, withoutRedis, type RedisServer } from '../../rig/redis.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch } from '../../rig/scratch.js';
import { RunProcess } from '../queues/rig.js';

const without = withoutPostgres() ?? withoutRedis();

type Env = Readonly<Record<string, string>>;

const PIPELINE = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'routes' })
export class Routes {
  @Step({ queue: 'cpu', returns: ['one'] }) first(): number { return 1; }
  @Step({ queue: 'gpu', inputs: ['$<first.one>'], returns: ['two'], resources: { gpu: 1 } })
  second(one: number): number { return one + 1; }
  @Step({ inputs: ['$<second.two>'] }) third(two: number): number { return two + 1; }
}
`;

const name = `a fleet${without === undefined ? '' : ` (${without})`}`;
// Agents, runs, three servers: on a busy machine each of them takes seconds to start.
describe.skipIf(without !== undefined)(name, { timeout: 180_000 }, () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let s3: TestS3;
  beforeAll(async () => {
    [postgres, redis, s3] = await Promise.all([startPostgres(), startRedis(), startS3()]);
  }, 60_000);
  afterAll(() => Promise.all([s3.stop(), redis.dispose(), postgres.dispose()]));

  interface Machines {
    /** The machine where pipelines are started. */
    readonly at: { readonly cwd: string; readonly env: Env };
    run(args: readonly string[]): RunProcess;
    /** On a machine that shares nothing but the three servers; not waited for. */
    start(...args: readonly string[]): AgentProcess;
    agent(...args: readonly string[]): Promise<AgentProcess>;
  }

  function machines(files: Readonly<Record<string, string>> = { 'pipe.ts': PIPELINE }): Machines {
    const project = scratch(files);
    const settings: Env = {
      ...s3.env(project.directory.split('/').at(-1)!),
      RUN_PIPELINE_STORE: postgres.fresh(),
      RUN_PIPELINE_QUEUE: redis.url,
      // Long enough for agents that live on a busy machine.
      RUN_PIPELINE_LEASE_MS: '5000',
      RUN_PIPELINE_GRACE_MS: '500',
    };
    const at = { cwd: project.directory, env: settings };
    const start = (...args: readonly string[]): AgentProcess => {
      const directory = emptyDirectory();
      const env = { ...settings, RUN_PIPELINE_HOME: join(directory, 'home') };
      const agent = new AgentProcess(args, { cwd: directory, env });
      onTestFinished(() => agent.remove());
      return agent;
    };
    return {
      at,
      run: (args) => new RunProcess(args, at),
      start,
      async agent(...args) {
        const agent = start(...args);
        await agent.told('agent.start');
        return agent;
      },
    };
  }

  const agentOf = (run: RunWatched, step: string): string | undefined =>
    run.events.flatMap((event) =>
      event.type === 'step.start' && event.step === step ? (event.agent ?? 'here') : [],
    )[0];
  const warnings = ({ stderr }: { readonly stderr: string }): readonly string[] =>
    stderr.split('\n').filter((line) => line.startsWith('▲'));

  test('every step goes to an agent of its queue that has what it needs; the others stay here', async () => {
    const it = machines();
    const [cpu, gpu, rich] = await Promise.all([
      it.agent('--queue', 'cpu', '--create-queue'),
      it.agent('--queue', 'gpu', '--create-queue'),
      it.agent('--queue', 'gpu', '--create-queue', '--resources', 'gpu=1'),
    ]);
    const run = await watchRun(['pipe.ts'], it.at);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(agentOf(run, 'first')).toContain(`:${cpu.pid}-`);
    expect(agentOf(run, 'second')).toContain(`:${rich.pid}-`);
    expect(agentOf(run, 'third')).toBe('here');
    expect(gpu.lines.some(({ type }) => type === 'task.start')).toBe(false);
    expect(await query(['get', 'latest', 'third'], it.at)).toBe(3);
  });

  test('a step whose queue nobody serves waits, which is said at once, and goes on when an agent comes', async () => {
    const it = machines();
    await it.agent('--queue', 'cpu', '--create-queue');
    const run = it.run(['pipe.ts']);
    await run.told('step.queue', 'second');
    expect(warnings(run)).toEqual([
      '▲ no agent serves queue "gpu": its steps wait for one (start one: run-pipeline agent --queue gpu --create-queue --resources gpu=1)',
    ]);
    const queues = await query(['queue', 'ls'], it.at);
    expect(queues).toContainEqual(expect.objectContaining({ name: 'gpu', waiting: 1, agents: 0 }));
    expect(queues).toContainEqual(expect.objectContaining({ name: 'cpu', waiting: 0, agents: 1 }));
    const late = await it.agent('--queue', 'gpu', '--resources', 'gpu=2');
    const { code, ends } = await run.result();
    expect(code).toBe(0);
    expect(ends['second']).toMatchObject({ status: 'completed', attempt: 1 });
    expect((await run.told('step.start', 'second')).agent).toContain(`:${late.pid}-`);
    expect(warnings(run)).toHaveLength(1);
  });

  test('a pipeline that is left to a queue without agents waits for one, and is followed to its end', async () => {
    const it = machines();
    const run = it.run(['pipe.ts', '--remote', '--queue', 'default']);
    await expect
      .poll(() => warnings(run), { timeout: 20_000 })
      .toEqual([
        '▲ no agent serves queue "services": the pipeline waits for one (start one: run-pipeline agent --queue services)',
      ]);
    const all = ['services', 'default', 'cpu', 'gpu'];
    const agent = await it.agent('--queue', ...all, '--create-queue', '--resources', 'gpu=1');
    expect((await run.result()).code).toBe(0);
    for (const step of ['first', 'second', 'third'])
      expect((await run.told('step.start', step)).agent).toContain(`:${agent.pid}-`);
  });

  test('agent --once takes what waits, and ends', async () => {
    const it = machines();
    const run = it.run(['pipe.ts', '--queue', 'default']);
    await run.told('step.queue', 'first');
    const once = it.start('--queue', 'cpu', '--once');
    expect(await once.ended).toMatchObject({ code: 0 });
    await run.told('step.queue', 'second');
    await it.agent('--queue', 'gpu', '--create-queue');
    const { stdout } = await runPipeline(['queue', 'show', 'gpu'], it.at);
    expect(stdout).toMatch(/routes\.second +step +needs gpu=1 +no agent of it has that /);
    const shown = await runPipeline(['show', 'latest'], it.at);
    expect(shown.stdout).toMatch(/second +waits in queue gpu \(no agent of it has gpu=1\)/);
    await it.agent('--queue', 'gpu', 'default', '--create-queue', '--resources', 'gpu=1');
    expect((await run.result()).code).toBe(0);
    expect((await run.told('step.start', 'first')).agent).toContain(`:${once.pid}-`);
  });

  test('an agent that is killed at a step costs an attempt; a Redis that lost everything costs nothing', async () => {
    const gate = join(emptyDirectory(), 'gate');
    const it = machines({
      'pipe.ts': `
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Pipeline, Step, each } from 'run-pipeline';
const GATE = ${JSON.stringify(gate)};
@Pipeline({ name: 'gate', queue: 'default' })
export class Gate {
  @Step({ returns: ['all'] }) list(): number[] { return [1, 2, 3, 4, 5, 6, 7, 8]; }
  @Step({ inputs: [each('$<list.all>')] })
  async one(n: number): Promise<number> {
    while (!existsSync(GATE)) await setTimeout(20);
    return n * n;
  }
  @Step({ inputs: ['$<one.result>'] }) sum(squares: number[]): number { return squares.reduce((a, b) => a + b); }
}
`,
    });
    const doomed = await it.agent('--queue', 'default', '--concurrency', '1');
    const run = it.run(['pipe.ts']);
    await run.printed((event) => event.type === 'step.start' && event.step.startsWith('one['));
    for (let index = 0; index < 8; index++) await run.told('step.queue', `one[${index}]`);
    await redis.command('FLUSHALL');
    doomed.kill();
    await doomed.ended;
    await redis.stop('kill');
    await redis.start();
    await Promise.all([it.agent('--queue', 'default'), it.agent('--queue', 'default')]);
    writeFileSync(gate, '');
    const { code, ends } = await run.result();
    expect(code, run.stderr).toBe(0);
    expect(Object.values(ends).filter(({ status }) => status === 'completed')).toHaveLength(10 + 1);
    expect(run.words().filter((word) => word.startsWith('retry'))).toEqual(['retry 1 agent-lost']);
    expect(await query(['get', 'latest', 'sum'], it.at)).toBe(204);
  });

  test('jobs that nobody of us has pushed cost nothing: agents go on, and execute what is', async () => {
    const it = machines({
      'pipe.ts': `import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'odd', project: 'p' });
pipe.addFunctionStep({ name: 'one', function: () => 1 });
pipe.addFunctionStep({ name: 'two', function: () => 2, parents: ['one'] });`,
    });
    const agent = await it.agent('--queue', 'default');
    // The first run makes the keys of the lane.
    expect((await watchRun(['pipe.ts', '--queue', 'default'], it.at)).code).toBe(0);
    const lanes = (await redis.command('KEYS', '*:lanes')) as readonly string[];
    const prefixes = lanes.map((key) => key.slice(0, -':lanes'.length));
    for (const prefix of prefixes) {
      const queue = new Queue('step/default', { prefix, connection: { url: redis.url } });
      const priority = 1;
      const odd = [null, 'text', 7, [], {}, { task: 1, attempt: 1 }, { task: 'nobody', attempt: 1 }];
      for (const data of [
        ...odd,
        { task: '../../etc', attempt: 9 },
        { task: 'a\u0000\u001b[31m', attempt: -1 },
      ])
        await queue.add('evil', data, { priority });
      await queue.add('evil', {}, { delay: 100 });
      await queue.close();
      // Ids without a job, jobs whose fields are none, a lane that no version names, a key of another type.
      await redis.command('ZADD', `${prefix}:step/default:prioritized`, 0, 'ghost');
      await redis.command('LPUSH', `${prefix}:step/default:wait`, 'another-ghost');
      await redis.command(
        'HSET',
        `${prefix}:step/default:broken`,
        'data',
        '{"half',
        'opts',
        '{"',
        'timestamp',
        'x',
      );
      await redis.command('ZADD', `${prefix}:step/default:prioritized`, 1, 'broken');
      for (const lane of ['step/%/x', 'evil', 'step/default/gpu=0', 'step/default/%zz=1'])
        await redis.command('ZADD', `${prefix}:lanes`, Date.now(), lane);
      await redis.command('DEL', `${prefix}:turns`);
      await redis.command('SET', `${prefix}:turns`, 'no list');
    }
    const run = await watchRun(['pipe.ts', '--queue', 'default'], { ...it.at, timeout: 60_000 });
    expect(run.by).toEqual({ completed: ['one', 'two'] });
    expect(agentOf(run, 'two')).toMatch(/./);
    expect(agent.lines.filter(({ type }) => type === 'task.start')).toHaveLength(4);
    expect(agent.stderr).not.toMatch(/    at |TypeError|unexpected/);
    agent.kill('SIGTERM');
    expect((await agent.ended).code).toBe(0);
  });

  test('a Redis that may throw jobs away is told once, by run and agent, with what to set', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    onTestFinished(async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    });
    const it = machines();
    const agent = await it.agent('--queue', 'cpu', 'gpu', '--create-queue', '--resources', 'gpu=1');
    const run = await watchRun(['pipe.ts'], it.at);
    expect(run.code).toBe(0);
    for (const { stderr } of [run, agent]) {
      expect(stderr.match(/may throw jobs away .*maxmemory-policy allkeys-lru.* noeviction/g)).toHaveLength(
        1,
      );
      expect(stderr).not.toContain('IMPORTANT');
    }
  });

  test('commands that only ask need no Redis', async () => {
    const it = machines();
    const env = { ...it.at.env, RUN_PIPELINE_QUEUE: 'redis://127.0.0.1:1' };
    const ls = await runPipeline(['queue', 'ls'], { ...it.at, env });
    expect(ls).toMatchObject({ code: 0, stderr: '' });
  });
});
