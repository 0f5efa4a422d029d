import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { chain, fan } from '../pipelines.mjs';
import { BINARY, median, project } from '../measure.mjs';

const AGENTS = 3;
const LONG = 60;
const WIDE = 1_000;

/**
 * Steps through three idle, warm agents, each with a directory of its own, over Redis, Postgres (which waits
 * for the disk) and an S3 server, all on this machine.
 */
export async function* fleet({ wanted }) {
  const names = {
    step: `fleet: a step of a chain of ${LONG}, median`,
    bare: 'fleet: a task through store and queue, 8 at once',
    wide: `fleet: ${WIDE.toLocaleString('en')} trivial steps over ${AGENTS} agents`,
  };
  if (!Object.values(names).some(wanted)) return;
  const services = await startServices();
  if (services === undefined) return;
  if (wanted(names.bare)) {
    const { ms, parts } = await bareTasks(services);
    yield {
      name: names.bare,
      measured: ms,
      unit: 'ms',
      compared: `nothing executed: ${Math.round(1000 / ms)} tasks a second; ${parts}`,
    };
  }
  const here = project({ 'chain.ts': chain(LONG), 'wide.ts': fan(WIDE) });
  const env = { ...process.env, ...services.settings };
  const agents = [];
  try {
    for (let i = 0; i < AGENTS; i += 1) agents.push(await startAgent(env));
    if (wanted(names.step)) {
      const args = ['chain.ts', '--queue', 'default', '--refresh'];
      await run(args, { cwd: here.directory, env }); // packaged, and every closure has its worker
      const costs = (await run(args, { cwd: here.directory, env })).steps;
      const sorted = costs.toSorted((a, b) => a - b);
      yield {
        name: names.step,
        measured: median(costs),
        unit: 'ms',
        budget: 50,
        compared: `from the end of one to the end of the next; 95 of 100 within ${sorted[Math.floor(sorted.length * 0.95)]} ms`,
      };
    }
    if (wanted(names.wide)) {
      const cold = await run(['wide.ts', '--queue', 'default'], { cwd: here.directory, env });
      const { ms } = await run(['wide.ts', '--queue', 'default', '--refresh'], { cwd: here.directory, env });
      yield {
        name: names.wide,
        measured: ms,
        unit: 'ms',
        budget: 30_000,
        compared: `packaged before; packaging included ${cold.ms.toFixed(0)} ms; whole process`,
      };
    }
  } finally {
    for (const agent of agents) await agent.stop();
    here.remove();
    await services.stop();
  }
}

/** Undefined: this machine lacks one of them. */
async function startServices() {
  const rig = (file) => tsImport(`../../test/rig/${file}.ts`, import.meta.url);
  const [{ startPostgres, withoutPostgres }, { startRedis, withoutRedis }, { startS3 }] = await Promise.all(
    ['postgres', 'redis', 's3-server'].map(rig),
  );
  const missing = withoutPostgres() ?? withoutRedis();
  if (missing !== undefined) {
    console.error(`left out, the rows of the fleet: ${missing}`);
    return undefined;
  }
  const [postgres, redis, s3] = await Promise.all([
    startPostgres({ durable: true }),
    startRedis({ keeps: true }),
    startS3(),
  ]);
  return {
    settings: { ...s3.env('bench'), RUN_PIPELINE_STORE: postgres.fresh(), RUN_PIPELINE_QUEUE: redis.url },
    stop: () => Promise.all([postgres.dispose(), redis.dispose(), s3.stop()]),
  };
}

/** Milliseconds that a task costs which is enqueued, taken, claimed and finished, and executes nothing. */
async function bareTasks({ settings }) {
  const source = (file) => tsImport(`../../packages/runtime/src/${file}.ts`, import.meta.url);
  const [{ openPostgresStore }, { openBullQueue }, { carriedStore }] = await Promise.all(
    ['store/postgres/index', 'queue/bull/index', 'queue/carried-store'].map(source),
  );
  const bare = await openPostgresStore({ url: settings.RUN_PIPELINE_STORE, env: {} });
  const queue = await openBullQueue({ url: settings.RUN_PIPELINE_QUEUE, env: {}, store: bare });
  const store = carriedStore(bare, queue);
  const executor = { host: 'bench', bootId: 'bench', pid: process.pid, startTime: '0' };
  const tasks = Array.from({ length: 800 }, (_, index) => `bench-${index}`);
  const signal = new AbortController().signal;
  /** Milliseconds a task. */
  const timed = async (work) => {
    const started = performance.now();
    const open = [...tasks];
    const worker = async () => {
      for (let task = open.pop(); task !== undefined; task = open.pop()) await work(task);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return (performance.now() - started) / tasks.length;
  };
  try {
    for (const id of tasks)
      await store.createTask({ id, project: 'bench', name: id, type: 'custom', edit: {} });
    const enqueued = await timed((task) =>
      store.enqueueTask({ task, kind: 'task', queue: 'bare', priority: 0 }),
    );
    const taken = await timed(async () => {
      const job = await queue.take({ queues: ['bare'], order: 'given', signal });
      const { task, attempt } = job;
      const claim = { task, attempt, executor, agent: 'bench', leaseMs: 30_000 };
      const { fence } = await store.claimQueued(claim);
      await job.settle('claimed');
      await store.finishTask({ task, fence, status: 'completed', artifacts: [] });
    });
    const rate = (ms) => Math.round(1000 / ms).toLocaleString('en');
    return {
      ms: enqueued + taken,
      parts: `${rate(enqueued)} a second enqueued, ${rate(taken)} taken, claimed and finished`,
    };
  } finally {
    await queue.close();
    await bare.close();
  }
}

/** In an empty directory, with a state of its own. */
async function startAgent(env) {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-bench-agent-'));
  const child = spawn(process.execPath, [BINARY, 'agent', '--json'], {
    cwd: directory,
    env: { ...env, RUN_PIPELINE_HOME: join(directory, 'home') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    ended.then((code) => reject(new Error(`the agent ended with ${code}`)));
  });
  child.stdout.resume();
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Milliseconds of the whole process, and of each step: from the end of the one before it. */
async function run(args, options) {
  const started = performance.now();
  const child = spawn(process.execPath, [BINARY, ...args, '--json'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const ms = performance.now() - started;
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}\n${texts.stderr}`);
  const events = texts.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ends = events.filter((event) => event.type === 'step.end' && event.status === 'completed');
  const away = events.filter((event) => event.type === 'step.start' && event.agent !== undefined);
  if (away.length !== ends.length) throw new Error(`of ${ends.length} steps, ${away.length} went to agents`);
  const times = ends.map((event) => Date.parse(event.ts));
  return { ms, steps: times.slice(1).map((time, index) => time - times[index]) };
}
