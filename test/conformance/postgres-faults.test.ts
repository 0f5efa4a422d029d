import { runId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../packages/runtime/src/store/postgres/index.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../rig/postgres.js';
import { tcpProxy, type Fate } from '../rig/tcp-proxy.js';
import { newRun, newTask, OTHER, printOf, Recorder, small, stepEnd, text } from './store/fixtures.js';

describe.skipIf(withoutPostgres() !== undefined)('a PostgreSQL server that fails', () => {
  let server: PostgresServer;
  /** Of a server that nobody restarts; it waits, hence beside the other tests. */
  let quiet: PostgresServer;
  let silence: Promise<void>;
  beforeAll(async () => {
    [server, quiet] = await Promise.all([startPostgres({ durable: true }), startPostgres()]);
    silence = fallsSilent(quiet);
    silence.catch(() => {}); // until its test asks
  }, 60_000);
  afterAll(() => Promise.all([server.dispose(), quiet.dispose()]), 60_000);

  async function open(url: string, patienceMs = 60_000): Promise<Store> {
    const env = { RUN_PIPELINE_STORE_PATIENCE_MS: String(patienceMs) };
    const store = await openPostgresStore({ url, env });
    onTestFinished(() => store.close());
    return store;
  }

  for (const [how, name] of [
    ['fast', 'is restarted'],
    ['immediate', 'crashes and recovers'],
  ] as const) {
    test(`while it ${name}, runs go on: every commit takes place, once and in order`, async () => {
      const store = await open(server.fresh());
      const runs = await Promise.all(['a', 'b', 'c', 'd'].map((id) => Recorder.start(store, newRun(id))));
      let working = true;
      const committed = runs.map(async (run, index) => {
        let count = 0;
        for (; working || count === 0; count++) {
          const value = small('result', `${index} ${count}`);
          expect(await run.complete(`s${count}`, [value])).toEqual({ ok: true });
          expect(await store.heartbeatRun(run.id, 1)).toBe(true);
        }
        await run.end();
        return count;
      });
      for (let restarts = 0; restarts < 2; restarts++) {
        await store.createRun(newRun(`between ${restarts}`, { pipeline: 'other' })); // something was committed
        await server.stop(how);
        await server.start();
      }
      working = false;
      const counts = await Promise.all(committed);
      for (const [index, { id }] of runs.entries()) {
        const events = await store.readEvents(id);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at));
        expect(events).toHaveLength(counts[index]! + 2);
        const last = `s${counts[index]! - 1}`;
        const [artifact] = await store.readArtifacts(id, last as never);
        expect(text(artifact?.inline)).toBe(`${index} ${counts[index]! - 1}`);
        expect((await store.getRun(id))?.status).toBe('completed');
      }
      expect(await store.findRuns({ pipeline: 'other' })).toHaveLength(2);
    }, 120_000);
  }

  for (const fate of ['lost', 'answer lost'] as const) {
    test(`a COMMIT whose ${fate === 'lost' ? 'connection is cut' : 'answer does not come'} takes place once`, async () => {
      const url = new URL(server.fresh());
      const proxy = await tcpProxy(Number(url.port));
      onTestFinished(() => proxy.close());
      url.port = String(proxy.port);
      const store = await open(url.href);
      let cuts = 0;
      const cutOnce = (word: string): void => {
        let cut = false;
        proxy.decide((message): Fate => {
          if (cut || !message.includes(word)) return 'arrives';
          cut = true;
          cuts++;
          return fate;
        });
      };
      cutOnce('COMMIT');
      expect((await store.createRun(newRun('r1', { version: undefined }))).number).toBe(1);
      cutOnce('COMMIT');
      expect((await store.createRun(newRun('r2', { version: undefined }))).number).toBe(2);
      const recorder = new Recorder(store, { id: runId('r1'), epoch: 1, lastSeq: -1 });
      cutOnce('COMMIT');
      expect(await recorder.commit([stepEnd('a')])).toEqual({ ok: true });
      cutOnce('BEGIN');
      expect(await recorder.commit([stepEnd('b')])).toEqual({ ok: true });
      cutOnce('COMMIT');
      const claim = await recorder.claim('c');
      expect(claim.ok).toBe(true);
      cutOnce('COMMIT');
      expect(await store.takeRun(runId('r1'), { expectedEpoch: 1, owner: OTHER })).toMatchObject({
        ok: true,
        epoch: 2,
      });
      expect(cuts).toBe(6);
      expect(await store.findRuns({})).toHaveLength(2);
      expect((await store.readEvents(runId('r1'))).map(({ seq }) => seq)).toEqual([0, 1]);
      expect((await store.getRun(runId('r1')))?.epoch).toBe(2);
    });
  }

  test('a claim of a fingerprint, a read, a heartbeat are asked again when their answer is lost', async () => {
    const url = new URL(server.fresh());
    const proxy = await tcpProxy(Number(url.port));
    onTestFinished(() => proxy.close());
    url.port = String(proxy.port);
    const store = await open(url.href);
    await store.createRun(newRun('r1'));
    const seen = new Set<string>();
    proxy.decide((message) => {
      const word = ['INSERT INTO flights', 'SELECT body FROM events', 'UPDATE runs SET lease_until'].find(
        (one) => message.includes(one) && !seen.has(one),
      );
      if (word === undefined) return 'arrives';
      seen.add(word);
      return 'answer lost';
    });
    const holder = { run: runId('r1'), step: 'a' as never, owner: OTHER, leaseMs: 60_000 };
    expect(await store.claimFingerprint(printOf('x'), holder)).toEqual({ ok: true });
    expect(await store.readEvents(runId('r1'))).toEqual([]);
    expect(await store.heartbeatRun(runId('r1'), 1)).toBe(true);
    expect(seen.size).toBe(3);
  });

  test('who waits is woken when the server is back, whatever was said meanwhile', async () => {
    const url = server.fresh();
    const store = await open(url);
    const other = await open(url);
    let wake = (): void => {};
    const woken = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    const first = woken();
    onTestFinished(store.watch(() => wake()));
    await first; // it listens
    const again = woken();
    await server.stop('fast');
    await server.start();
    await again;
    const heard = woken();
    await other.createTask(newTask('t1'));
    await heard;
    expect(await store.findTasks({})).toHaveLength(1);
  });

  test('connections that fall silent are given up: leases are renewed, and who waits is woken, on new ones', () =>
    silence);

  test('a server that stays away is told with its address, without the password; it may come back', async () => {
    const url = server.fresh();
    const store = await open(url, 200);
    await server.stop('fast');
    try {
      const failed = store.createRun(newRun('r1'));
      await expect(failed).rejects.toMatchObject({ kind: 'store', code: 'store-unreachable' });
      await expect(failed).rejects.toThrow(/127\.0\.0\.1/);
      await expect(failed).rejects.not.toThrow(/p@ss|p%40ss/);
      await expect(open(url, 200)).rejects.toMatchObject({ code: 'store-unreachable' });
    } finally {
      await server.start();
    }
    expect((await store.createRun(newRun('r1', { version: undefined }))).number).toBe(1);
  });

  test('what a server refuses is told at once, with what to do', async () => {
    const url = new URL(server.fresh());
    url.password = 'wrong-word';
    await expect(open(url.href)).rejects.toMatchObject({
      code: 'store-refused',
      message: expect.not.stringContaining('wrong-word') as string,
    });
    const missing = new URL(server.fresh());
    missing.pathname = '/nowhere';
    await expect(open(missing.href)).rejects.toMatchObject({
      code: 'store-unreachable',
      help: expect.stringContaining('createdb') as string,
    });
    for (const schema of ['public', 'pg_x', 'a"b', '']) {
      const wrong = new URL(server.url);
      wrong.searchParams.set('schema', schema);
      await expect(open(wrong.href)).rejects.toMatchObject({ kind: 'usage', code: 'store-address' });
    }
  });
});

async function fallsSilent(server: PostgresServer): Promise<void> {
  const url = new URL(server.fresh());
  const other = await openPostgresStore({ url: url.href, env: {} });
  const proxy = await tcpProxy(Number(url.port));
  url.port = String(proxy.port);
  const store = await openPostgresStore({ url: url.href, env: {} });
  let wake = (): void => {};
  const woken = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  let unwatch = (): void => {};
  try {
    await store.createRun(newRun('r1'));
    await store.heartbeatRun(runId('r1'), 1);
    const listens = woken();
    unwatch = store.watch(() => wake());
    await listens;
    proxy.fallSilent();
    const again = woken();
    const renewed = store.heartbeatRun(runId('r1'), 1);
    await other.createTask(newTask('t1'));
    expect(await renewed).toBe(true);
    await again;
  } finally {
    unwatch();
    await Promise.all([store.close(), other.close()]);
    await proxy.close();
  }
}
