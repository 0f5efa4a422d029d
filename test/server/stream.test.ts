import { mkdirSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { runId, type RunEvent } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { applyEvent, ConsoleLines, foldEvents, viewFromJson } from '@run-pipeline/core/run-view';
import type { LogPage, RunList, RunSnapshot, StreamMessage } from '@run-pipeline/core/wire';
import { Controller } from '../rig/crash.js';
import { RunWriter, writeRun } from '../rig/page-runs.js';
import { PageServer, type PageStream } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { openSqliteStore } from '../rig/engine.js';

type Of<T extends StreamMessage['type']> = Extract<StreamMessage, { readonly type: T }>;

/** Three steps, each of which waits for a file. */
const GATED = {
  ...TRACE,
  'gated.ts': `
import { Pipeline, Step, currentTask } from 'run-pipeline';
import { appears } from './trace.ts';

@Pipeline({ name: 'gated', project: 'examples' })
export class Gated {
  @Step() async one(): Promise<number> {
    console.log('one begins');
    process.stderr.write('10%\\r');
    await appears('go-1', currentTask().signal);
    process.stderr.write('20%\\r');
    console.log('one ends');
    return 1;
  }
  @Step({ inputs: ['$<one.result>'] }) async two(value: number): Promise<number> {
    currentTask().logger.reportScalar({ title: 'loss', series: 'train', value, iteration: 1 });
    await appears('go-2', currentTask().signal);
    return value + 1;
  }
  @Step({ inputs: ['$<two.result>'] }) async three(value: number): Promise<number> {
    await appears('go-3', currentTask().signal);
    return value + 1;
  }
}
`,
};

interface Live {
  readonly project: Scratch;
  readonly server: PageServer;
  readonly controller: Controller;
  readonly run: string;
}

async function live(): Promise<Live> {
  const project = scratch(GATED);
  const env = { RUN_PIPELINE_LEASE_MS: '1000', RUN_PIPELINE_GRACE_MS: '200' };
  const server = await PageServer.start({ cwd: project.directory });
  const controller = new Controller(['gated.ts'], { cwd: project.directory, env });
  const first = await controller.printed(({ type }) => type === 'run.start');
  if (first === undefined) throw new Error(controller.stderr);
  return { project, server, controller, run: first.run };
}

const eventsOf = (stream: PageStream, run: string): readonly RunEvent[] =>
  stream.messages.flatMap((message) =>
    message.type === 'events' && message.run === run ? message.events : [],
  );

const tells =
  (type: RunEvent['type'], step?: string) =>
  (message: StreamMessage): message is Of<'events'> =>
    message.type === 'events' &&
    message.events.some(
      (event) => event.type === type && (step === undefined || ('step' in event && event.step === step)),
    );

/** What a reader needs: everything but console. */
const shown = (events: readonly RunEvent[]): readonly RunEvent[] =>
  events.filter(({ type }) => type !== 'step.log');

test('a run is watched live; a snapshot and what comes after it are the whole run', async () => {
  const { project, server, controller, run } = await live();
  const stream = server.stream(`runs=${run}:-1`);
  await stream.until(tells('step.start', 'one'));
  const snapshot = await server.get<RunSnapshot>(`/api/runs/${run}`);
  const view = viewFromJson(snapshot.view);
  expect(snapshot.item.status).toBe('running');
  const after = server.stream(`runs=${run}:${snapshot.view.lastSeq}`);
  project.write({ 'go-1': '', 'go-2': '' });
  await stream.until(tells('step.start', 'three'));
  project.write({ 'go-3': '' });
  await Promise.all([stream.until(tells('run.end')), after.until(tells('run.end')), controller.ended]);
  const printed = shown(controller.events);
  expect(eventsOf(stream, run)).toEqual(printed);
  for (const event of eventsOf(after, run)) applyEvent(view, event);
  const whole = foldEvents(controller.events);
  expect({ ...view, lastSeq: 0 }).toEqual({ ...whole, lastSeq: 0 });
  expect(stream.messages[0]).toMatchObject({ type: 'hello' });
});

test('a server that is killed while a run goes on, and started again, loses nothing', async () => {
  const { project, server, controller, run } = await live();
  const first = server.stream(`runs=${run}:-1`);
  await first.until(tells('step.start', 'one'));
  const cursor = (first.messages.findLast(({ type }) => type === 'events') as Of<'events'>).lastSeq;
  server.child.kill('SIGKILL');
  await first.ended;
  project.write({ 'go-1': '' });
  await controller.printed((event) => event.type === 'step.start' && event.step === 'two');
  const again = await PageServer.start({ cwd: project.directory });
  const second = again.stream(`runs=${run}:${cursor}`);
  await second.until(tells('step.start', 'two'));
  project.write({ 'go-2': '', 'go-3': '' });
  await second.until(tells('run.end'));
  await controller.ended;
  expect([...eventsOf(first, run), ...eventsOf(second, run)]).toEqual(shown(controller.events));
  expect((first.messages[0] as Of<'hello'>).server).not.toBe((second.messages[0] as Of<'hello'>).server);
});

test('a run whose process was killed is told to be lost, with the command that continues it', async () => {
  const { project, server, controller, run } = await live();
  const stream = server.stream(`runs=${run}:-1&list=1`);
  await stream.until(tells('step.start', 'one'));
  controller.kill('SIGKILL');
  const liveness = await stream.until((message): message is Of<'liveness'> => message.type === 'liveness');
  expect(liveness).toEqual({ type: 'liveness', run, lost: true, resume: `npx run-pipeline resume ${run}` });
  await stream.until((message) => message.type === 'runs' && message.changed[0]?.status === 'lost');
  expect(await server.get<RunSnapshot>(`/api/runs/${run}`)).toMatchObject({
    view: { status: 'lost' },
    item: { status: 'lost' },
    resume: `npx run-pipeline resume ${run}`,
  });
  expect((await server.get<RunList>('/api/runs?q=status:lost')).runs).toHaveLength(1);
  expect((await server.get<RunList>('/api/runs?q=status:running')).runs).toHaveLength(0);
  // The page continues it.
  project.write({ 'go-1': '', 'go-2': '', 'go-3': '' });
  expect(await server.post(`/api/runs/${run}/resume`, {})).toEqual({ run });
  await stream.until((message) => message.type === 'liveness' && !message.lost);
  await stream.until(tells('run.end'));
  await stream.until((message) => message.type === 'runs' && message.changed[0]?.status === 'completed');
});

test('console is told as it comes, and goes on where a page of it ended', async () => {
  const { project, server, run } = await live();
  const stream = server.stream(`runs=${run}:-1&logs=${run}/one/1:-1`);
  const logs = (): readonly Of<'log'>[] =>
    stream.messages.filter((message): message is Of<'log'> => message.type === 'log');
  await stream.until((message) => message.type === 'log');
  let page = await server.get<LogPage>(`/api/runs/${run}/steps/one/logs`);
  while (page.open.length === 0) page = await server.get<LogPage>(`/api/runs/${run}/steps/one/logs`);
  expect(page).toMatchObject({
    attempt: 1,
    total: 1,
    lines: [{ text: 'one begins', stream: 'stdout' }],
    open: [{ text: '10%\r', stream: 'stderr' }],
  });
  const after = server.stream(`logs=${run}/one/1:${page.lastSeq}`);
  project.write({ 'go-1': '', 'go-2': '', 'go-3': '' });
  await stream.until(tells('run.end'));
  const rest = await after.until((message): message is Of<'log'> => message.type === 'log');
  // With the rule that the server counts by.
  const lines = new ConsoleLines(page.open);
  const told = rest.chunks.flatMap((chunk) => lines.push(chunk));
  const whole = await server.get<LogPage>(`/api/runs/${run}/steps/one/logs`);
  expect([...page.lines, ...told].map(({ text }) => text).slice(0, whole.total)).toEqual(
    whole.lines.map(({ text }) => text),
  );
  expect(whole).toMatchObject({ total: 2, open: [{ text: '20%\r' }] });
  const text = (name: string): string =>
    logs()
      .flatMap(({ chunks }) => chunks)
      .filter((chunk) => chunk.stream === name)
      .map((chunk) => chunk.text)
      .join('');
  expect([text('stdout'), text('stderr')]).toEqual(['one begins\none ends\n', '10%\r20%\r']);
});

test('the list of runs is told by lines that changed, new ones among them', async () => {
  const project = scratch(GATED);
  const server = await PageServer.start({ cwd: project.directory });
  const stream = server.stream('list=1');
  await stream.until(({ type }) => type === 'hello');
  project.write({ 'go-1': '', 'go-2': '', 'go-3': '' });
  const controller = new Controller(['gated.ts'], { cwd: project.directory, env: {} });
  const ended = await stream.until(
    (message): message is Of<'runs'> => message.type === 'runs' && message.changed[0]?.status === 'completed',
  );
  await controller.ended;
  const lines = stream.messages.filter((message): message is Of<'runs'> => message.type === 'runs');
  expect(new Set(lines.flatMap(({ changed }) => changed.map(({ id }) => id))).size).toBe(1);
  expect(ended).toMatchObject({ total: 1, changed: [{ counts: { completed: 3 } }] });
  expect((await server.get<RunList>('/api/runs')).runs).toEqual(ended.changed);
});

async function withStore<T>(project: Scratch, use: (store: Store) => Promise<T>): Promise<T> {
  mkdirSync(project.path('.run-pipeline'), { recursive: true });
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

test('a deleted run is told to be gone, and the list to be read again', async () => {
  const project = scratch({});
  const old = await withStore(project, (store) =>
    writeRun(store, { steps: [{ name: 'a' }], status: 'completed' }),
  );
  const server = await PageServer.start({ cwd: project.directory });
  const stream = server.stream(`runs=${old}:-1,01unknown:-1&list=1`);
  await stream.until((message) => message.type === 'gone' && message.run === '01unknown');
  await stream.until(tells('run.end'));
  await withStore(project, (store) => store.collect({ dryRun: false, keepRuns: 0 }));
  await stream.until((message) => message.type === 'gone' && message.run === old);
  await stream.until((message) => message.type === 'runs' && message.reload === true && message.total === 0);
});

test('one stream follows several runs, each with its own cursor', async () => {
  const project = scratch({});
  await withStore(project, async (store) => {
    const a = await RunWriter.create(store, { pipeline: 'a', steps: [{ name: 's' }] });
    const b = await RunWriter.create(store, { pipeline: 'b', steps: [{ name: 's' }] });
    const server = await PageServer.start({ cwd: project.directory });
    const stream = server.stream(`runs=${a.row.id}:0,${b.row.id}:-1`);
    await stream.until((message) => message.type === 'events' && message.run === b.row.id);
    await Promise.all([a.step({ name: 's' }), b.step({ name: 's' })]);
    await a.end('completed');
    await b.end('failed');
    const ends = (run: string): Promise<StreamMessage> =>
      stream.until((message) => tells('run.end')(message) && message.run === run);
    await Promise.all([ends(a.row.id), ends(b.row.id)]);
    expect(eventsOf(stream, a.row.id).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(eventsOf(stream, b.row.id).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });
});

test('who is far behind is told to read the snapshot instead', async () => {
  const project = scratch({});
  await withStore(project, async (store) => {
    const writer = await RunWriter.create(store, { steps: [{ name: 's' }] });
    const report = (iteration: number) =>
      ({
        type: 'step.report',
        step: 's',
        attempt: 1,
        report: { kind: 'scalar', title: 't', series: 's', value: 1, iteration },
      }) as unknown as Parameters<RunWriter['commit']>[0][number];
    await writer.commit(Array.from({ length: 25_000 }, (_, index) => report(index)));
    const server = await PageServer.start({ cwd: project.directory });
    const stream = server.stream(`runs=${writer.row.id}:-1`);
    expect(await stream.until(({ type }) => type === 'resync')).toEqual({
      type: 'resync',
      run: writer.row.id,
    });
    const { view } = await server.get<RunSnapshot>(`/api/runs/${writer.row.id}`);
    expect(view.lastSeq).toBe(25_000);
    await writer.end('completed');
    const last = await stream.until(tells('run.end'));
    expect(last.events).toHaveLength(1);
  });
});

test('a reader that does not read costs the others nothing, and gets all of it when it does', async () => {
  const project = scratch({});
  await withStore(project, async (store) => {
    const writer = await RunWriter.create(store, { steps: [{ name: 's' }] });
    const server = await PageServer.start({ cwd: project.directory });
    const slow = await pausedReader(server, `runs=${writer.row.id}:-1&logs=${writer.row.id}/s/1:-1`);
    const quick = server.stream(`runs=${writer.row.id}:-1&logs=${writer.row.id}/s/1:-1`);
    const before = await memoryOf(server);
    // 60 MB of console, in pieces as a run writes them.
    const text = `${'x'.repeat(119)}\n`.repeat(500);
    for (let piece = 0; piece < 1_000; piece += 20) {
      await writer.commit(
        Array.from(
          { length: 20 },
          () => ({ type: 'step.log', step: 's' as never, attempt: 1, stream: 'stdout', text }) as const,
        ),
      );
    }
    await writer.end('completed');
    await quick.until(tells('run.end'));
    expect((await memoryOf(server)) - before).toBeLessThan(250);
    const pieces = (messages: readonly StreamMessage[]): number =>
      messages.flatMap((message) => (message.type === 'log' ? message.chunks : [])).length;
    await slow.resume(
      (messages) =>
        messages.some(tells('run.end')) &&
        // All of it, or the word that it has to be read otherwise.
        (pieces(messages) === 1_000 || messages.some(({ type }) => type === 'resync')),
    );
  });
});

/** Megabytes that the server's process has in memory. */
async function memoryOf(server: PageServer): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

async function pausedReader(
  server: PageServer,
  query: string,
): Promise<{ resume(until: (messages: readonly StreamMessage[]) => boolean): Promise<void> }> {
  const sent = request({
    host: '127.0.0.1',
    port: server.port,
    path: `/api/stream?${query}`,
    headers: { authorization: `Bearer ${server.token}` },
    agent: false,
  });
  sent.end();
  const response = await new Promise<IncomingMessage>((resolve) => sent.on('response', resolve));
  response.pause();
  return {
    async resume(until) {
      const messages: StreamMessage[] = [];
      let open = '';
      for await (const chunk of response.setEncoding('utf8')) {
        const blocks = (open + String(chunk)).split('\n\n');
        open = blocks.pop()!;
        for (const block of blocks)
          if (block.startsWith('data: '))
            messages.push(JSON.parse(block.slice('data: '.length)) as StreamMessage);
        if (until(messages)) return void sent.destroy();
      }
      throw new Error('the stream ended before');
    },
  };
}

test('a thousand events a second are told in few messages, all of them', async () => {
  const project = scratch({});
  await withStore(project, async (store) => {
    const writer = await RunWriter.create(store, { steps: [{ name: 's' }] });
    const server = await PageServer.start({ cwd: project.directory });
    const stream = server.stream(`runs=${writer.row.id}:-1&list=1`);
    await stream.until(({ type }) => type === 'events');
    for (let tick = 0; tick < 60; tick++) {
      await writer.commit(
        Array.from({ length: 50 }, (_, index) => ({
          type: 'step.report' as const,
          step: 's' as never,
          attempt: 1,
          report: {
            kind: 'scalar' as const,
            title: 't',
            series: 's',
            value: 1,
            iteration: tick * 50 + index,
          },
        })),
      );
      await new Promise((next) => setTimeout(next, 10));
    }
    await writer.end('completed');
    await stream.until(tells('run.end'));
    expect(eventsOf(stream, writer.row.id)).toHaveLength(1 + 3_000 + 1);
    const messages = stream.messages.filter(({ type }) => type === 'events').length;
    expect(messages).toBeLessThan(60);
  });
});

test('a real run of a thousand steps is watched live, and nothing of it is left out', async () => {
  const project = scratch({
    'wide.ts': `
import { Pipeline, Step, each } from 'run-pipeline';
@Pipeline({ name: 'wide', project: 'examples' })
export class Wide {
  @Step({ returns: ['list'] }) list(): number[] { return Array.from({ length: 998 }, (_, i) => i); }
  @Step({ inputs: [each('$<list.list>')], returns: ['score'] }) score(value: number): number {
    if (value % 10 === 0) console.log('value ' + value);
    return value * 2;
  }
  @Step({ inputs: ['$<score.score>'] }) sum(scores: number[]): number { return scores.reduce((a, b) => a + b); }
}
`,
  });
  const server = await PageServer.start({ cwd: project.directory });
  const list = server.stream('list=1');
  const controller = new Controller(['wide.ts'], { cwd: project.directory, env: {} });
  const first = await controller.printed(({ type }) => type === 'run.start');
  const { run } = first!;
  const stream = server.stream(`runs=${run}:-1`);
  await stream.until(tells('run.end'));
  await controller.ended;
  expect(eventsOf(stream, run)).toEqual(shown(controller.events));
  const { view } = await server.get<RunSnapshot>(`/api/runs/${run}`);
  expect(view.counts).toMatchObject({ completed: 1_001 });
  await list.until((message) => message.type === 'runs' && message.changed[0]?.counts.completed === 1_001);
  // Live: it was told while it went on, and in far fewer messages than there were events.
  const messages = stream.messages.filter(({ type }) => type === 'events').length;
  expect(messages).toBeGreaterThan(3);
  expect(messages).toBeLessThan(controller.events.length / 4);
});

test('unknown runs and steps in a stream are no error', async () => {
  const server = await PageServer.start({ cwd: scratch({}).directory });
  const stream = server.stream(
    `runs=01unknown:5&logs=01unknown/__proto__/1:0,01unknown/${encodeURIComponent(encodeURIComponent('a,b/c'))}/2:7`,
  );
  await stream.until((message) => message.type === 'gone' && message.run === runId('01unknown'));
});
