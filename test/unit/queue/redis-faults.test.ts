import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { taskId } from '@run-pipeline/core/model';
import type { NewJob, Store, TaskQueue } from '@run-pipeline/core/ports';
import { describe, expect, test, type TestContext } from 'vitest';
import { openBullQueue } from '../../../packages/runtime/src/queue/bull/index.js';
import { carriedStore } from '../../../packages/runtime/src/queue/index.js';
import { openSqliteStore } from '../../../packages/runtime/src/store/index.js';
import { LEASE_MS, newTask, WORKER } from '../../conformance/store/fixtures.js';
import { bundleScript } from '../../conformance/store/child-process.js';
import { startRedis, withoutRedis, type RedisServer } from '../../rig/redis.js';

const without = withoutRedis();

type Env = Readonly<Record<string, string | undefined>>;
type TakeOptions = Partial<Parameters<TaskQueue['take']>[0]>;

/** What one process of a fleet has. */
interface Side {
  /** As everybody uses it: whatever it queues is pushed. */
  readonly store: Store;
  readonly queue: TaskQueue;
  /** What it was told of Redis. */
  readonly told: string[];
  enqueue(id: string, more?: Partial<NewJob>): Promise<void>;
  take(options?: TakeOptions): ReturnType<TaskQueue['take']>;
  /** Takes and claims, as an agent does. */
  next(options?: TakeOptions): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Of the test itself: most of these wait, hence side by side. */
type Finished = TestContext['onTestFinished'];

function directory(finished: Finished): string {
  const path = mkdtempSync(join(tmpdir(), 'run-pipeline-redis-faults-'));
  finished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function redisServer(
  finished: Finished,
  options: Parameters<typeof startRedis>[0] = {},
): Promise<RedisServer> {
  const redis = await startRedis(options);
  finished(() => redis.dispose());
  return redis;
}

async function side(
  finished: Finished,
  redis: Pick<RedisServer, 'url'>,
  home: string,
  env: Env = {},
): Promise<Side> {
  const bare = await openSqliteStore({ file: join(home, 'state.db') });
  const told: string[] = [];
  const queue = await openBullQueue({ url: redis.url, env, store: bare, tell: (line) => told.push(line) });
  const store = carriedStore(bare, queue);
  const ended = new AbortController();
  const close = async (): Promise<void> => {
    ended.abort();
    await queue.close();
    await bare.close();
  };
  finished(close);
  const take: Side['take'] = (options = {}) =>
    queue.take({ queues: ['default'], order: 'given', signal: ended.signal, ...options });
  return {
    store,
    queue,
    told,
    take,
    close,
    async enqueue(id, more = {}) {
      await store.createTask(newTask(id));
      const job = { task: taskId(id), kind: 'task', queue: 'default', priority: 0, ...more } as const;
      expect(await store.enqueueTask(job)).toMatchObject({ ok: true });
    },
    async next(options) {
      for (;;) {
        const job = await take(options);
        if (job === undefined) return undefined;
        const claimed = await claim(store, job);
        await job.settle(claimed.ok ? 'claimed' : 'gone');
        if (claimed.ok) return job.task;
      }
    },
  };
}

const claim = (store: Store, job: NonNullable<Awaited<ReturnType<TaskQueue['take']>>>) =>
  store.claimQueued({
    task: job.task,
    attempt: job.attempt,
    queue: job.queue,
    executor: WORKER,
    agent: 'agent',
    leaseMs: LEASE_MS,
  });

/** In the rhythm in which agents look for lost attempts. */
function keepRecovering(finished: Finished, { store }: Side): void {
  const timer = setInterval(() => void store.recoverTasks().catch(() => undefined), 200);
  finished(() => clearInterval(timer));
}

async function all(count: number, ...sides: readonly Side[]): Promise<readonly string[]> {
  const taken: string[] = [];
  const enough = new AbortController();
  await Promise.all(
    sides.map(async (one) => {
      while (!enough.signal.aborted) {
        const task = await one.next({ signal: enough.signal });
        if (task !== undefined) taken.push(task);
        if (taken.length >= count) enough.abort();
      }
    }),
  );
  return taken.toSorted();
}

const firstWords = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout!.setEncoding('utf8').once('data', resolve));

const keysOf = async (redis: RedisServer): Promise<readonly string[]> =>
  (await redis.command('KEYS', '*')) as string[];

describe.skipIf(without !== undefined)(
  `Redis${without === undefined ? '' : ` (${without})`}`,
  { concurrent: true },
  () => {
    test('jobs that came while it was away are queued, told once, and delivered when it is back', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const [near, far] = [await side(finished, redis, home), await side(finished, redis, home)];
      await near.enqueue('before');
      await redis.stop('kill');
      for (const id of ['a', 'b', 'c', 'd', 'e']) await near.enqueue(id);
      expect(near.told).toEqual([
        expect.stringMatching(/^the queue on redis:\/\/127\.0\.0\.1:\d+ cannot be reached/),
      ]);
      expect((await near.store.listQueued('default')).map(({ task }) => task)).toHaveLength(6);
      const waiting = all(6, far);
      await redis.start();
      expect(await waiting).toEqual(['a', 'b', 'before', 'c', 'd', 'e']);
      await expect.poll(() => near.told).toHaveLength(2);
      expect(near.told[1]).toMatch(/is back$/);
    });

    test('who was started while it was away waits for it, and can be told to stop meanwhile', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      await redis.stop();
      const one = await side(finished, redis, home);
      const stopped = new AbortController();
      const never = one.take({ signal: stopped.signal });
      const waiting = one.next();
      await one.enqueue('a');
      stopped.abort();
      expect(await never).toBeUndefined();
      await redis.start();
      expect(await waiting).toBe('a');
    });

    test.for([
      ['with what it had', true],
      ['empty', false],
    ] as const)(
      'restarted %s, it delivers what waited, each once',
      async ([, keeps], { expect, onTestFinished: finished }) => {
        const redis = await redisServer(finished, { keeps });
        const home = directory(finished);
        const sides = [await side(finished, redis, home), await side(finished, redis, home)] as const;
        const ids = Array.from({ length: 40 }, (_, index) => `t${index}`).toSorted();
        for (const id of ids) await sides[0].enqueue(id, { priority: id.length });
        const taken = all(40, ...sides);
        await redis.stop('kill');
        await redis.start();
        expect(await taken).toEqual(ids);
        expect(await sides[0].store.listQueued('default')).toEqual([]);
      },
    );

    test('emptied under everybody, it is filled again by whoever looks for lost attempts', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const [near, far] = [await side(finished, redis, home), await side(finished, redis, home)];
      for (const id of ['a', 'b', 'c']) await near.enqueue(id);
      await near.enqueue('gpu', { resources: { gpu: 1 } });
      await redis.command('FLUSHALL');
      keepRecovering(finished, near);
      const offers = { all: { gpu: 1 }, free: { gpu: 1 } };
      const taken = [await far.next({ offers }), await far.next(), await far.next(), await far.next()];
      expect(taken.toSorted()).toEqual(['a', 'b', 'c', 'gpu']);
    });

    test('one that is missing among many is found, and what waits for nobody is removed', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const one = await side(finished, redis, home);
      for (const id of ['a', 'b', 'c', 'd']) await one.enqueue(id);
      // As many as before, but not the same: a number alone would not tell.
      const key = (await keysOf(redis)).find((name) => name.endsWith(':task/default:prioritized'))!;
      await redis.command('ZREM', key, 'b-1');
      await redis.command('DEL', key.replace(/prioritized$/, 'b-1'));
      await one.store.withdrawTask(taskId('c'), 1);
      await one.store.createTask(newTask('stranger'));
      await one.queue.push({
        task: taskId('stranger'),
        attempt: 1,
        kind: 'task',
        queue: 'default',
        priority: 0,
        resources: {},
      });
      keepRecovering(finished, one);
      const ids = async (): Promise<string> => String(await redis.command('ZRANGE', key, 0, -1));
      await expect.poll(ids, { timeout: 20_000 }).toBe('a-1,d-1,b-1');
    });

    test('suspended, it holds nobody up who pushes, and goes on where it was', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const [near, far] = [await side(finished, redis, home), await side(finished, redis, home)];
      await near.enqueue('a');
      expect(await far.next()).toBe('a');
      const waiting = all(3, far);
      redis.suspend();
      for (const id of ['b', 'c', 'd']) await near.enqueue(id);
      expect(near.told).toHaveLength(1);
      const stopped = new AbortController();
      const never = near.take({ signal: stopped.signal });
      stopped.abort();
      expect(await never).toBeUndefined();
      redis.resume();
      expect(await waiting).toEqual(['b', 'c', 'd']);
    });

    test('full, it is told once, and what it refused reaches agents when there is room', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const [near, far] = [await side(finished, redis, home), await side(finished, redis, home)];
      await near.enqueue('a');
      expect(await far.next()).toBe('a');
      await redis.command('CONFIG', 'SET', 'maxmemory', '1');
      for (const id of ['b', 'c']) await near.enqueue(id);
      expect(near.told).toEqual([expect.stringMatching(/refuses what it is sent \(OOM/)]);
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
      await near.enqueue('d');
      expect(near.told).toEqual([near.told[0], expect.stringMatching(/is back$/)]);
      expect(await all(3, far)).toEqual(['b', 'c', 'd']);
    });

    test('a job that is told to two agents at once is executed by one', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const [near, far] = [await side(finished, redis, home), await side(finished, redis, home)];
      await near.enqueue('a');
      const slow = (await near.take())!;
      // Nobody hears what comes of it in time: it is told again.
      const other = (await far.take())!;
      expect(other).toMatchObject({ task: 'a', attempt: 1 });
      const claims = await Promise.all([claim(near.store, slow), claim(far.store, other)]);
      expect(claims.map(({ ok }) => ok).toSorted()).toEqual([false, true]);
      await other.settle(claims[1].ok ? 'claimed' : 'gone');
      await slow.settle(claims[0].ok ? 'claimed' : 'gone');
      await near.enqueue('b');
      expect(await far.next()).toBe('b');
      expect((await keysOf(redis)).filter((name) => name.endsWith('-1'))).toEqual([]);
    });

    test('a job whose agent is killed before it claims it comes to another one, every time', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const one = await side(finished, redis, home);
      const { script, remove } = await bundleScript('../../unit/queue/take-child.ts');
      finished(remove);
      await one.enqueue('a');
      for (let times = 0; times < 2; times++) {
        const child = spawn(process.execPath, [script, join(home, 'state.db'), redis.url], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const ended = new Promise((resolve) => child.once('exit', resolve));
        expect(await firstWords(child)).toBe('a\n');
        child.kill('SIGKILL');
        await ended;
      }
      expect(await one.next()).toBe('a');
    });

    test('kinds and needs do not come between priorities', async ({ expect, onTestFinished: finished }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const one = await side(finished, redis, home);
      await one.enqueue('low', { priority: -3 });
      await one.enqueue('usual');
      await one.enqueue('later', { resources: { gpu: 1 } });
      await one.enqueue('controller', { kind: 'controller', priority: 7 });
      await one.enqueue('high', { resources: { gpu: 2, ram: 0.5 }, priority: 1e9 });
      const taken: (string | undefined)[] = [];
      for (let count = 0; count < 5; count++) taken.push(await one.next());
      expect(taken).toEqual(['high', 'controller', 'usual', 'later', 'low']);
    });

    test('who needs much is not overtaken by those who need little of the same', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const home = directory(finished);
      const one = await side(finished, redis, home);
      await one.enqueue('big', { resources: { gpu: 4 } });
      await one.enqueue('small', { resources: { gpu: 1 } });
      await one.enqueue('never', { resources: { gpu: 99 } });
      await one.enqueue('other', { resources: { ram: 1 } });
      const offers = { all: { gpu: 4, ram: 1 }, free: { gpu: 2, ram: 1 } };
      expect(await one.next({ offers })).toBe('other');
      const busy = new AbortController();
      const none = one.next({ offers, signal: busy.signal });
      await one.enqueue('plain');
      expect(await none).toBe('plain');
      expect(await one.next({ offers: { ...offers, free: offers.all } })).toBe('big');
      expect(await one.next({ offers })).toBe('small');
    });

    test('two stores on one Redis have nothing to do with each other', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const [one, other] = [
        await side(finished, redis, directory(finished)),
        await side(finished, redis, directory(finished)),
      ];
      const waiting = other.next();
      await one.enqueue('a');
      await other.enqueue('b');
      expect(await waiting).toBe('b');
      expect(await one.next()).toBe('a');
    });

    test('a lane that somebody pauses in Redis costs nothing, and goes on when it is let go', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const one = await side(finished, redis, directory(finished));
      await one.enqueue('a');
      const meta = (await keysOf(redis)).find((name) => name.endsWith(':task/default:meta'))!;
      await redis.command('HSET', meta, 'paused', 1);
      const processed = async (): Promise<number> =>
        Number(/total_commands_processed:(\d+)/.exec(String(await redis.command('INFO', 'stats')))?.[1]);
      const stopped = new AbortController();
      const never = one.take({ signal: stopped.signal });
      await one.enqueue('other', { queue: 'other' });
      expect(await one.next({ queues: ['default', 'other'] })).toBe('other');
      const before = await processed();
      for (const id of ['x', 'y', 'z']) {
        await one.enqueue(id, { queue: 'other' });
        expect(await one.next({ queues: ['other'] })).toBe(id);
      }
      expect((await processed()) - before).toBeLessThan(1_000);
      stopped.abort();
      expect(await never).toBeUndefined();
      const waiting = one.next();
      await redis.command('HDEL', meta, 'paused');
      expect(await waiting).toBe('a');
    });

    test('names may be anything, and what is in Redis is ids', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const one = await side(finished, redis, directory(finished));
      const queues = ['a:b', '{x}', 'ä/ö?#%', '7', '__proto__', '\u{1f680} gpu,ram=1'];
      for (const [index, queue] of queues.entries()) {
        await one.enqueue(`t${index}`, { queue, spec: Buffer.from('a secret'), resources: { [queue]: 1 } });
        await one.enqueue(`${index}`, { queue });
      }
      const hashes = (await keysOf(redis)).filter((name) => name.endsWith('-1'));
      expect(hashes).toHaveLength(12);
      for (const key of hashes) {
        const data = JSON.parse(String(await redis.command('HGET', key, 'data'))) as object;
        expect(Object.keys(data)).toEqual(['task', 'attempt']);
      }
      for (const [index, queue] of queues.entries()) {
        const taken = [await one.next({ queues: [queue] }), await one.next({ queues: [queue] })];
        expect(taken).toEqual([`t${index}`, `${index}`]);
      }
    });

    test('however many queues a process serves, it has two connections', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const redis = await redisServer(finished);
      const one = await side(finished, redis, directory(finished));
      const queues = Array.from({ length: 20 }, (_, index) => `q${index}`);
      const clients = async () =>
        String(await redis.command('CLIENT', 'LIST'))
          .match(/(?<=name=run-pipeline:)\w+/g)
          ?.toSorted();
      const waiting = one.next({ queues });
      await expect.poll(clients).toEqual(['commands', 'waits']);
      await one.enqueue('a', { queue: 'q7' });
      expect(await waiting).toBe('a');
      expect(await clients()).toEqual(['commands', 'waits']);
      await one.close();
      await expect.poll(clients).toBeUndefined();
    });

    test('user and password come from the address or the environment; a wrong one is told, not shown', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const user = ['--user', 'app', 'on', '>p@ss/word', 'allkeys', 'allchannels', '+@all'];
      const redis = await redisServer(finished, { password: 'admin', arguments: user });
      const home = directory(finished);
      const withAddress = { url: redis.url.replace('//', '//app:p%40ss%2Fword@') };
      const [near, far] = [
        await side(finished, withAddress, home),
        await side(finished, redis, home, {
          RUN_PIPELINE_QUEUE_USER: 'app',
          RUN_PIPELINE_QUEUE_PASSWORD: 'p@ss/word',
        }),
      ];
      await near.enqueue('a');
      expect(await far.next()).toBe('a');
      const wrong = await side(finished, { url: redis.url.replace('//', '//app:wr0ng@') }, home);
      await wrong.enqueue('b');
      expect(wrong.told).toEqual([expect.stringMatching(/WRONGPASS|invalid username-password/)]);
      expect(wrong.told.join()).not.toContain('wr0ng');
      keepRecovering(finished, near);
      expect(await far.next()).toBe('b');
    });

    test('with TLS it is trusted by its certificate, or not at all', async ({
      expect,
      onTestFinished: finished,
    }) => {
      const home = directory(finished);
      const [certificate, key] = [join(home, 'cert.pem'), join(home, 'key.pem')];
      const how = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost`;
      execFileSync('openssl', [...how.split(' '), '-out', certificate, '-keyout', key], { stdio: 'ignore' });
      const redis = await redisServer(finished, { tls: { certificate, key } });
      const one = await side(finished, redis, home);
      await one.enqueue('a');
      expect(one.told).toEqual([
        expect.stringMatching(/rediss:\/\/localhost:\d+ cannot be reached \(.*certificate/),
      ]);
      const { script, remove } = await bundleScript('../../unit/queue/take-child.ts');
      finished(remove);
      const child = spawn(process.execPath, [script, join(home, 'state.db'), redis.url, 'refill'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
      });
      finished(() => void child.kill('SIGKILL'));
      expect(await firstWords(child)).toBe('a\n');
    });
  },
);
