import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LogPage, LogSummary } from '@run-pipeline/core/wire';
import { watchRun } from '../rig/command.js';
import { RunWriter, writeRun } from '../rig/page-runs.js';
import { PageServer } from '../rig/page-server.js';
import { scratch } from '../rig/scratch.js';
import { openSqliteStore } from '../rig/engine.js';

const texts = (page: LogPage): readonly string[] => page.lines.map(({ text }) => text);

test('any window of 200,000 lines is read, by numbers that stay', async () => {
  const project = scratch({});
  mkdirSync(project.path('.run-pipeline'));
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  // Pieces of uneven size whose ends fall into lines; every tenth line on the other stream.
  const line = (index: number): string => `line ${index} ${'é'.repeat(index % 40)}\n`;
  let out = '';
  const logs: { stream: 'stdout' | 'stderr'; text: string }[] = [];
  for (let index = 0; index < 200_000; index++) {
    if (index % 10 === 9) logs.push({ stream: 'stderr', text: line(index) });
    else out += line(index);
    if (out.length > 3_000 + (index % 977)) {
      logs.push({ stream: 'stdout', text: out.slice(0, -7) });
      out = out.slice(-7);
    }
  }
  logs.push({ stream: 'stdout', text: out });
  const run = await writeRun(store, { steps: [{ name: 's', logs }], status: 'completed' });
  await store.close();
  const server = await PageServer.start({ cwd: project.directory });
  const page = (query: string): Promise<LogPage> => server.get(`/api/runs/${run}/steps/s/logs?${query}`);

  const first = await page('');
  expect(first).toMatchObject({ from: 0, total: 200_000, open: [] });
  expect(first.lines).toHaveLength(1_000);
  const end = await page('from=-3');
  expect(end.from).toBe(199_997);
  expect(texts(end).at(-1)).toBe(line(199_998).slice(0, -1));

  // Of one stream the order is that of writing.
  const errors = await page('stream=stderr&from=19990&limit=100');
  expect(errors).toMatchObject({ from: 19_990, total: 20_000 });
  expect(texts(errors)).toEqual(
    Array.from({ length: 10 }, (_, i) => line((19_990 + i) * 10 + 9).slice(0, -1)),
  );
  const outs = await page('stream=stdout&from=123456&limit=5000');
  expect(outs.total).toBe(180_000);
  expect(texts(outs)).toEqual(
    Array.from({ length: 5_000 }, (_, i) =>
      line(Math.floor((123_456 + i) / 9) * 10 + ((123_456 + i) % 9)).slice(0, -1),
    ),
  );

  // Windows that overlap agree.
  const [a, b] = await Promise.all([page('from=77000&limit=600'), page('from=77500&limit=600')]);
  expect(texts(a).slice(500)).toEqual(texts(b).slice(0, 100));

  const found = await page(`limit=0&search=${encodeURIComponent('LINE 123456 ')}`);
  expect(found.lines).toEqual([]);
  expect(found.matches).toHaveLength(1);
  expect(texts(await page(`from=${found.matches![0]}&limit=1`))).toEqual([line(123_456).slice(0, -1)]);
  expect((await page('limit=0&search=line')).matches).toHaveLength(10_000);

  expect(await page('from=500000')).toMatchObject({ from: 200_000, lines: [] });
  expect(await page('from=-500000&limit=1')).toMatchObject({ from: 0 });
  const { attempts } = await server.get<LogSummary>(`/api/runs/${run}/logs`);
  expect(attempts).toEqual([
    { step: 's', attempt: 1, lines: 200_000, size: logs.reduce((sum, { text }) => sum + text.length, 0) },
  ]);
});

test('each attempt has a console of its own; the latest is the one that is meant', async () => {
  const project = scratch({
    'flaky.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { existsSync, writeFileSync } from 'node:fs';
@Pipeline({ name: 'flaky', project: 'examples' })
export class Flaky {
  @Step({ retry: { retries: 2, backoff: 1 } }) a(): number {
    const again = existsSync('again');
    writeFileSync('again', '');
    console.log(again ? 'second' : 'first');
    console.error('\\u001b[31mred\\u001b[0m <b>bold</b>');
    if (!again) throw new Error('once more');
    return 1;
  }
  @Step({ inputs: ['$<a.result>'] }) silent(a: number): number { return a; }
}
`,
  });
  const { events } = await watchRun(['flaky.ts'], { cwd: project.directory });
  const run = events[0]!.run;
  const server = await PageServer.start({ cwd: project.directory });
  const page = (query: string, step = 'a'): Promise<LogPage> =>
    server.get(`/api/runs/${run}/steps/${step}/logs?${query}`);
  expect(await page('')).toMatchObject({ attempt: 2, total: 2 });
  expect(texts(await page('stream=stdout'))).toEqual(['second']);
  expect(texts(await page('attempt=1&stream=stdout'))).toEqual(['first']);
  expect(texts(await page('attempt=2&stream=stderr'))).toEqual(['\u001b[31mred\u001b[0m <b>bold</b>']);
  expect(await page('attempt=7')).toMatchObject({ attempt: 7, total: 0, lines: [] });
  expect(await page('', 'silent')).toMatchObject({ attempt: 1, total: 0, lines: [], open: [] });
  const { attempts } = await server.get<LogSummary>(`/api/runs/${run}/logs`);
  expect(attempts.map(({ step, attempt, lines }) => [step, attempt, lines])).toEqual([
    ['a', 1, 2],
    ['a', 2, 2],
  ]);
});

test('a console that grows is counted on, not anew, and what is open is told apart', async () => {
  const project = scratch({});
  mkdirSync(project.path('.run-pipeline'));
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  const writer = await RunWriter.create(store, { steps: [{ name: 's' }] });
  const server = await PageServer.start({ cwd: project.directory });
  const page = (query = ''): Promise<LogPage> =>
    server.get(`/api/runs/${writer.row.id}/steps/s/logs?${query}`);
  const write = (stream: 'stdout' | 'stderr', text: string): Promise<void> =>
    writer.commit([{ type: 'step.log', step: 's' as never, attempt: 1, stream, text }]);
  await write('stdout', 'one\ntw');
  expect(await page()).toMatchObject({ total: 1, open: [{ stream: 'stdout', text: 'tw' }] });
  await write('stderr', '5%\r');
  await write('stdout', 'o\n');
  await write('stderr', '9%\r');
  const later = await page();
  expect(texts(later)).toEqual(['one', 'two']);
  expect(later.open.map(({ text }) => text)).toEqual(['9%\r']);
  await write('stderr', 'done\n');
  expect(texts(await page())).toEqual(['one', 'two', 'done']);
  // A line that never ends is cut, so that nobody has to hold all of it.
  await write('stdout', 'x'.repeat(250_000));
  const long = await page('from=3');
  expect(long.lines.map(({ text }) => text.length)).toEqual([100_000, 100_000]);
  expect(long.open[0]!.text).toHaveLength(50_000);
  await store.close();
});
