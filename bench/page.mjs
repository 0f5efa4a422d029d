// The web page against its targets, in Chromium over the real server. Prints a table; fails nothing.
//
//   npm run bench:page            CHROMIUM=/path/to/chromium where it is not in the usual place
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'libsql';
import { chromium } from 'playwright-core';
import { findChromium } from '../scripts/chromium.mjs';
import { BINARY, median, project, runPipeline } from './measure.mjs';
import { layered } from './pipelines.mjs';

const TIMES = 5;
const executablePath = findChromium();
if (executablePath === undefined) throw new Error('no Chromium: CHROMIUM=/path/to/chromium');

const LOG = `import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'log', project: 'page' })
export class Log {
  @Step()
  write(): number {
    for (let part = 0; part < 20; part++)
      console.log(Array.from({ length: 10_000 }, (_, index) => 'line ' + (part * 10_000 + index + 1)).join('\\n'));
    return 1;
  }
}
`;

const place = project({
  'p1000.ts': layered(1000),
  'p5000.ts': layered(5000),
  'log.ts': LOG,
  'one.ts': layered(1),
});
const profile = mkdtempSync(join(tmpdir(), 'run-pipeline-bench-chromium-'));
const results = [];
const ended = [];
try {
  console.error('making the runs: 1,000 and 5,000 steps, 200,000 lines, 10,000 runs …');
  for (const file of ['p1000.ts', 'p5000.ts', 'log.ts', 'one.ts'])
    runPipeline([file, '--output', 'quiet'], { cwd: place.directory });
  const runs = JSON.parse(read(['runs', '--json']));
  const id = (name) => runs.find(({ pipeline }) => pipeline === name).id;
  const server = await startServer();
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    viewport: { width: 1400, height: 860 },
  });
  ended.push(() => context.close());
  const page = await context.newPage();
  await page.goto(server.link);

  results.push([
    'the browser alone: an empty page of the server (no target)',
    Infinity,
    await times(async () => {
      await page.goto('about:blank');
      const started = performance.now();
      await page.goto(`${server.address}/nothing.txt`, { waitUntil: 'commit' });
      await seen(page, 'body');
      return performance.now() - started;
    }),
  ]);
  // ── cold: nothing in memory, files in the browser's cache as on any second visit ──
  results.push([
    'graph of 1,000 steps: from the address to a card that answers',
    1000,
    await times(async () => {
      await page.goto('about:blank');
      const started = performance.now();
      await page.goto(`${server.address}/runs/${id('layered-1000')}`, { waitUntil: 'commit' });
      await seen(page, 'g[role=button]');
      await page.evaluate(() => {
        document.querySelector('g[role=button]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
      });
      await seen(page, 'h2');
      return performance.now() - started;
    }),
  ]);
  for (const [view, there] of [
    ['graph', 'g[role=button]'],
    ['timeline', 'li[data-index]'],
    ['table', 'tr[data-index]'],
  ])
    results.push([
      `${view} of 5,000 steps: from the address to its first line (no target)`,
      Infinity,
      await times(async () => {
        await page.goto('about:blank');
        const started = performance.now();
        await page.goto(`${server.address}/runs/${id('layered-5000')}?view=${view}`, { waitUntil: 'commit' });
        await seen(page, there);
        return performance.now() - started;
      }),
    ]);
  await page.getByRole('table').waitFor();
  results.push([
    'graph of 5,000 steps: from the key to the picture',
    500,
    await times(async () => {
      await page.keyboard.press('t');
      await page.getByRole('table').waitFor();
      return inPage(page, 'g', 'g[role=button]');
    }),
  ]);
  await page.goto(`${server.address}/runs/${id('layered-1000')}?step=s500`);
  await page.locator('h2').waitFor();
  const tabs = ['info', 'inputs', 'artifacts', 'console', 'code', 'plots', 'why', 'packages'];
  const switches = [];
  for (let round = 0; round < 2; round++)
    for (const [index, name] of tabs.entries()) {
      const before = index === 0 ? '2' : '1';
      await page.keyboard.press(before);
      await page.waitForTimeout(50);
      const took = await inPage(page, String(index + 1), `[data-tab=${name}] > :not([role=status])`);
      // The first time its file is loaded too.
      if (round > 0) switches.push([took, name]);
    }
  const [slowest, name] = switches.toSorted(([a], [b]) => b - a)[0];
  results.push([`another tab of a step, the slowest (${name})`, 150, slowest]);

  await page.goto(`${server.address}/runs/${id('log')}?step=write&tab=console`);
  await page.getByText('line 200000', { exact: true }).waitFor();
  results.push([
    '200,000 lines: from the start to the end',
    200,
    await times(async () => {
      await page.keyboard.press('Home');
      await page.getByText('line 1', { exact: true }).waitFor();
      return inPage(page, 'End', 'a[href$="line=200000"]');
    }),
  ]);

  await manyRuns(id('layered-1'), 10_000);
  const second = await startServer();
  await page.goto(second.link);
  await page.locator('table').waitFor();
  results.push([
    'list of 10,000 runs: from the address to its lines',
    300,
    await times(async () => {
      await page.goto('about:blank');
      const started = performance.now();
      await page.goto(`${second.address}/`, { waitUntil: 'commit' });
      await seen(page, 'tbody tr[data-index]');
      return performance.now() - started;
    }),
  ]);

  const flood = await floodingProxy(server, id('layered-1000'), 1000);
  const other = await context.newPage();
  await other.goto(`${flood.address}/${new URL(server.link).search}`);
  await other.goto(`${flood.address}/runs/${id('layered-1000')}`);
  await other.locator('g[role=button]').first().waitFor();
  const frames = await other.evaluate(
    () =>
      new Promise((done) => {
        const found = [];
        let last = performance.now();
        const frame = (now) => {
          found.push(now - last);
          last = now;
          if (found.length < 300) requestAnimationFrame(frame);
          else done(found.slice(30));
        };
        requestAnimationFrame(frame);
      }),
  );
  results.push(['1,000 events a second: 95th of 100 frames', 34, quantile(frames, 0.95)]);

  console.log('| what | target (ms) | measured (ms) |\n|---|---|---|');
  for (const [what, target, ms] of results)
    console.log(
      `| ${what} | ${Number.isFinite(target) ? target : '–'} | ${ms.toFixed(0)}${ms > target ? ' **over**' : ''} |`,
    );
} finally {
  for (const end of ended.toReversed()) await end();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  place.remove();
}

function read(args) {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  return spawnSync(process.execPath, [BINARY, ...args], {
    cwd: place.directory,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  }).stdout;
}

async function times(measure) {
  await measure();
  const values = [];
  for (let time = 0; time < TIMES; time++) values.push(await measure());
  return median(values);
}

/** Milliseconds in the page from a key until something is there and was painted. */
async function inPage(page, key, selector) {
  await page.evaluate(() => {
    globalThis.pressed = undefined;
    addEventListener('keydown', () => (globalThis.pressed = performance.now()), {
      capture: true,
      once: true,
    });
  });
  const there = page.waitForFunction(
    (wanted) =>
      globalThis.pressed !== undefined &&
      document.querySelector(wanted) !== null &&
      performance.now() - globalThis.pressed,
    selector,
  );
  await page.keyboard.press(key);
  return (await there).jsonValue();
}

/** Looks at every picture; a locator looks twice a second once it has waited. */
function seen(page, selector) {
  return page.waitForFunction((wanted) => document.querySelector(wanted) !== null, selector);
}

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)];
}

async function startServer() {
  const child = spawn(process.execPath, [BINARY, 'ui', '--json'], {
    cwd: place.directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ended.push(async () => {
    child.kill('SIGTERM');
    await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done()));
  });
  let text = '';
  const { url } = await new Promise((done, fail) => {
    child.once('exit', () => fail(new Error(`ui ended\n${text}`)));
    child.stdout.setEncoding('utf8').on('data', (part) => {
      text += part;
      try {
        done(JSON.parse(text));
      } catch {
        // Not all of it yet.
      }
    });
  });
  return { link: url, address: new URL(url).origin };
}

/** The store as it is after thousands of runs: copies of one that was made. */
async function manyRuns(run, count) {
  const db = new Database(join(place.directory, '.run-pipeline/state.db'));
  const original = db.prepare('SELECT * FROM runs WHERE id = ?').get(run);
  const columns = Object.keys(original).filter((name) => name !== 'n' && name !== '_metadata');
  const insert = db.prepare(
    `INSERT INTO runs (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const copy = db.prepare(
    'INSERT INTO events SELECT ?, seq, type, step, replace(body, ?, ?) FROM events WHERE run = ?',
  );
  db.exec('BEGIN IMMEDIATE');
  for (let index = 1; index <= count; index++) {
    const id = `${run.slice(0, -5)}${String(index).padStart(5, '0')}`;
    if (id === run) continue;
    const row = { ...original, id, number: original.number + index, created_at: original.created_at + index };
    const { lastInsertRowid } = insert.run(columns.map((name) => row[name]));
    copy.run([lastInsertRowid, run, id, original.n]);
  }
  db.exec('COMMIT');
  db.close();
}

/** The same server, but its stream tells of `rate` events a second: steps that start and end. */
async function floodingProxy(server, run, rate) {
  const target = new URL(server.address);
  const proxy = createServer((incoming, outgoing) => {
    if (incoming.url.startsWith('/api/stream')) {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      let seq = 1_000_000;
      const timer = setInterval(() => {
        const events = Array.from({ length: rate / 20 }, () => {
          const step = `s${(seq >> 1) % 1000}`;
          const base = { v: 1, seq: seq++, ts: new Date().toISOString(), run, step, attempt: 1 };
          return seq % 2 === 1
            ? { ...base, type: 'step.start' }
            : { ...base, type: 'step.end', status: 'completed', durationMs: 5, artifacts: [], why: [] };
        });
        outgoing.write(`data: ${JSON.stringify({ type: 'events', run, events, lastSeq: seq - 1 })}\n\n`);
      }, 50);
      outgoing.on('close', () => clearInterval(timer));
      return;
    }
    const headers = { ...incoming.headers, host: target.host };
    delete headers.origin;
    const asked = request(
      { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(asked);
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  ended.push(() => {
    proxy.closeAllConnections();
    return new Promise((done) => proxy.close(done));
  });
  return { address: `http://127.0.0.1:${proxy.address().port}` };
}
