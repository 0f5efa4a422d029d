import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runPipeline } from '../rig/command.js';
import { PageServer } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { isAlive } from '../rig/engine.js';

const PIPELINE = {
  'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'small', project: 'examples' })
export class Small {
  @Step() a(): number { return 1; }
}
`,
};

interface Note {
  readonly address: string;
  readonly token: string;
  readonly identity: Parameters<typeof isAlive>[0];
}

/** A project whose server in the background ends with the test. */
function project(files: Readonly<Record<string, string>> = PIPELINE): Scratch {
  const made = scratch(files);
  onTestFinished(async () => {
    await runPipeline(['ui', '--stop'], { cwd: made.directory });
  });
  return made;
}

const noteOf = (made: Scratch): Note =>
  JSON.parse(readFileSync(made.path('.run-pipeline', 'page-server.json'), 'utf8')) as Note;

const answers = async (url: string): Promise<number | undefined> => {
  try {
    return (await fetch(url, { redirect: 'manual' })).status;
  } catch {
    return undefined;
  }
};

/** A port that is taken, and the one behind it, which was free a moment ago. */
async function takenPort(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => new Promise((done) => server.close(() => done())));
  return (server.address() as { port: number }).port;
}

test('a port that was asked for and is in use is an error; without one the next free is taken', async () => {
  const { directory } = project();
  const port = await takenPort();
  const refused = await runPipeline(['ui', '--port', String(port)], { cwd: directory });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`127.0.0.1:${port} is in use by another program`);
  expect(refused.stderr).toContain('Leave --port out');
  expect(existsSync(`${directory}/.run-pipeline/page-server.json`)).toBe(false);
  const first = await PageServer.start({ cwd: directory, words: [] });
  const second = await PageServer.start({ cwd: scratch({}).directory, words: [] });
  expect(first.port).toBeGreaterThanOrEqual(4380);
  expect(second.port).toBeGreaterThan(first.port);
});

test('hosts that are none are told', async () => {
  const { directory } = project();
  const { code, stderr } = await runPipeline(
    ['ui', '--port', '0', '--host', '203.0.113.7', '--token', 'x'.repeat(20)],
    { cwd: directory },
  );
  expect(code).toBe(2);
  expect(stderr).toContain('203.0.113.7 is no address of this machine');
});

test('what is served already is named, not served twice; a request for another one is heard', async () => {
  const made = project();
  const server = await PageServer.start({ cwd: made.directory, words: [] });
  const again = await runPipeline(['ui', '--json'], { cwd: made.directory });
  expect(again.code).toBe(0);
  expect((JSON.parse(again.stdout) as { url: string }).url).toBe(`${server.address}/?token=${server.token}`);
  const other = await PageServer.start({ cwd: made.directory, words: ['--port', '0', '--read-only'] });
  expect(other.port).not.toBe(server.port);
  // The note is of the last one, and goes with it.
  expect(noteOf(made).address).toBe(other.address);
  await server.stop();
  expect(noteOf(made).address).toBe(other.address);
  await other.stop();
  expect(existsSync(made.path('.run-pipeline', 'page-server.json'))).toBe(false);
});

test('Ctrl-C ends it at once, with open streams and requests', async () => {
  const made = project();
  const server = await PageServer.start({ cwd: made.directory });
  const streams = [server.stream('list=1'), server.stream('fleet=1')];
  await Promise.all(streams.map((stream) => stream.until(({ type }) => type === 'hello')));
  expect(await server.stop()).toBe(0);
  await Promise.all(streams.map(({ ended }) => ended));
  expect(server.stderr()).toBe('');
});

test('--ui serves the page by a process that goes on, and prints the link of the run', async () => {
  const made = project();
  const first = await runPipeline(['pipe.ts', '--ui'], { cwd: made.directory });
  expect(first.code).toBe(0);
  const link = /(http:\/\/127\.0\.0\.1:\d+)\/runs\/(\w+)\?token=(\S+)/.exec(first.stdout)!;
  expect(first.stdout).toContain(`page: ${link[1]}/runs/${link[2]}\n`);
  const note = noteOf(made);
  expect(isAlive(note.identity)).toBe('alive');
  expect([note.address, note.token]).toEqual([link[1], link[3]]);
  expect(await answers(link[0])).toBe(303);
  // The same one serves the next run, and one without --ui names it.
  const second = await runPipeline(['pipe.ts', '--ui', '--json'], { cwd: made.directory });
  expect(second.stderr).toContain(`${link[1]}/runs/`);
  for (const line of second.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('seq');
  const third = await runPipeline(['pipe.ts'], { cwd: made.directory });
  expect(third.stdout).toMatch(new RegExp(`page: ${link[1]}/runs/\\w+\n`));
  expect(third.stdout).not.toContain('token');
  expect(noteOf(made).identity).toEqual(note.identity);
  const quiet = await runPipeline(['pipe.ts', '--ui', '--output', 'quiet'], { cwd: made.directory });
  expect([quiet.stdout, quiet.stderr.includes(`${link[1]}/runs/`)]).toEqual(['', true]);
  const stopped = await runPipeline(['ui', '--stop'], { cwd: made.directory });
  expect(stopped.stdout).toBe('the page is served no more\n');
  expect(isAlive(note.identity)).toBe('dead');
  const last = await runPipeline(['pipe.ts'], { cwd: made.directory });
  expect(last.stdout).not.toContain('page:');
  expect((await runPipeline(['ui', '--stop'], { cwd: made.directory })).stdout).toContain('is not served');
});

test('commands that start the page at the same moment start one server', async () => {
  const made = project();
  const results = await Promise.all(
    Array.from({ length: 4 }, () => runPipeline(['ui', '--background', '--json'], { cwd: made.directory })),
  );
  for (const { code, stderr } of results) expect([code, stderr]).toEqual([0, '']);
  const urls = new Set(results.map(({ stdout }) => (JSON.parse(stdout) as { url: string }).url));
  expect(urls.size).toBe(1);
  expect(existsSync(made.path('.run-pipeline', 'page-server.lock'))).toBe(false);
});

test('a note and a lock of processes that were killed are in nobody’s way', async () => {
  const made = project();
  const server = await PageServer.start({ cwd: made.directory });
  const { identity } = noteOf(made);
  server.child.kill('SIGKILL');
  await server.ended;
  writeFileSync(made.path('.run-pipeline', 'page-server.lock'), JSON.stringify(identity));
  const plain = await runPipeline(['pipe.ts'], { cwd: made.directory });
  expect(plain.stdout).not.toContain('page:');
  const { code, stdout } = await runPipeline(['ui', '--background', '--json'], { cwd: made.directory });
  expect(code).toBe(0);
  expect(await answers((JSON.parse(stdout) as { url: string }).url)).toBe(303);
});

test('a note that lies is not believed', async () => {
  const made = project();
  const server = await PageServer.start({ cwd: made.directory });
  const note = noteOf(made);
  // Another program at the address that was noted.
  writeFileSync(
    made.path('.run-pipeline', 'page-server.json'),
    JSON.stringify({ ...note, address: `http://127.0.0.1:${await takenPort()}` }),
  );
  expect(await runPipeline(['ui', '--stop'], { cwd: made.directory })).toMatchObject({
    code: 0,
    stdout: 'the page of this project is not served\n',
    stderr: '',
  });
  expect((await server.ask('GET', '/api/session')).status).toBe(200);
  const lies = ['nonsense', 'http://', 'file:///etc/passwd', 'http://a:b@c/'].map((address) =>
    JSON.stringify({ ...note, address }),
  );
  for (const text of ['', 'nonsense', '{}', 'null', '[]', '{"address":5}', ...lies]) {
    writeFileSync(made.path('.run-pipeline', 'page-server.json'), text);
    const stop = await runPipeline(['ui', '--stop'], { cwd: made.directory });
    expect([text, stop.code, stop.stderr]).toEqual([text, 0, '']);
    expect(stop.stdout).toContain('is not served');
  }
  writeFileSync(made.path('.run-pipeline', 'page-server.json'), lies[0]!);
  const run = await runPipeline(['pipe.ts'], { cwd: made.directory });
  expect([run.code, run.stderr]).toEqual([0, '']);
});

test('a server in the background ends by itself when no page has been open for long', async () => {
  const made = project();
  const { stdout } = await runPipeline(['ui', '--background', '--json'], {
    cwd: made.directory,
    env: { RUN_PIPELINE_UI_IDLE_MS: '300' },
  });
  const { url } = JSON.parse(stdout) as { url: string };
  const { identity } = noteOf(made);
  while (isAlive(identity) === 'alive') await new Promise((next) => setTimeout(next, 50));
  expect(await answers(url)).toBeUndefined();
  expect(existsSync(made.path('.run-pipeline', 'page-server.json'))).toBe(false);
});

test('a server that another version left running is replaced', async () => {
  const made = project();
  const server = await PageServer.start({ cwd: made.directory });
  writeFileSync(
    made.path('.run-pipeline', 'page-server.json'),
    JSON.stringify({ ...noteOf(made), version: '0.0.1' }),
  );
  await runPipeline(['ui', '--background'], { cwd: made.directory });
  await server.ended;
  expect(isAlive(noteOf(made).identity)).toBe('alive');
});

test('a server that shows another store is not the one of this command', async () => {
  const made = project();
  const env = { RUN_PIPELINE_STORE: 'other.db' };
  const other = await PageServer.start({ cwd: made.directory, env });
  const run = await runPipeline(['pipe.ts'], { cwd: made.directory });
  expect(run.stdout).not.toContain('page:');
  expect((await runPipeline(['pipe.ts'], { cwd: made.directory, env })).stdout).toContain(
    `page: ${other.address}`,
  );
  const { stdout } = await runPipeline(['pipe.ts', '--ui'], { cwd: made.directory });
  const page = /page: (http:\/\/[^/]+)\/runs\/(\w+)/.exec(stdout)!;
  const { address, token } = noteOf(made);
  expect(page[1]).toBe(address);
  const reply = await fetch(`${address}/api/runs/${page[2]}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(reply.status).toBe(200);
});

test('the next server of a project listens where the one before did, so that open pages meet it', async () => {
  const made = project();
  // The first of its ports is taken by another project.
  const neighbour = await PageServer.start({ cwd: scratch({}).directory, words: [] });
  const first = await PageServer.start({ cwd: made.directory, words: [] });
  await first.login();
  first.child.kill('SIGKILL');
  await first.ended;
  await neighbour.stop();
  const second = await PageServer.start({ cwd: made.directory, words: [] });
  expect(second.port).toBe(first.port);
  second.cookie = first.cookie;
  expect((await second.ask('GET', '/api/session', { session: 'cookie' })).status).toBe(200);
  for (const text of ['nonsense', '80', '99999', '']) {
    await second.stop();
    made.write({ '.run-pipeline/page-port': text });
    const again = await PageServer.start({ cwd: made.directory, words: [] });
    expect([text, again.port >= 4380]).toEqual([text, true]);
    await again.stop();
  }
});

test('why a server in the background did not start is told, and the run goes on without it', async () => {
  const made = project();
  await runPipeline(['pipe.ts'], { cwd: made.directory });
  made.write({ '.run-pipeline/page-secret': 'nonsense' });
  const background = await runPipeline(['ui', '--background'], { cwd: made.directory });
  expect(background.code).toBe(1);
  expect(background.stderr).toContain('page-secret does not hold a key');
  const run = await runPipeline(['pipe.ts', '--ui'], { cwd: made.directory });
  expect(run.code).toBe(0);
  expect(run.stdout).toContain('page-secret does not hold a key');
  expect(run.stdout).toContain('completed');
});

test('--open starts the browser with a link that is good once, and says when there is none', async () => {
  const made = project({
    ...PIPELINE,
    // What the desktop would do, seen from here.
    'bin/xdg-open': '#!/bin/sh\necho "$1" >> "$OPENED"\n',
  });
  chmodSync(made.path('bin/xdg-open'), 0o755);
  const opened = made.path('opened');
  const env = { PATH: `${made.path('bin')}:${process.env['PATH']}`, OPENED: opened };
  const run = await runPipeline(['pipe.ts', '--open'], { cwd: made.directory, env });
  expect(run.code, run.stdout + run.stderr).toBe(0);
  const url = readFileSync(opened, 'utf8').trim();
  const { token } = noteOf(made);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/runs\/\w+\?ticket=[\w-]+$/);
  expect(url).not.toContain(token);
  expect([await answers(url), await answers(url)]).toEqual([303, 403]);
  const none = await runPipeline(['ui', '--open'], { cwd: made.directory, env: { PATH: made.path('none') } });
  expect(none.code).toBe(0);
  expect(none.stderr).toContain('no browser could be opened: open the link yourself');
});

test('other commands load nothing of the server', async () => {
  const made = project();
  made.write({
    'see.mjs': `
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(
  'import { appendFileSync } from "node:fs"; export async function load(url, context, next) { appendFileSync(process.env.LOADED, url + "\\\\n"); return next(url, context); }'
), import.meta.url);
`,
  });
  for (const words of [['pipe.ts'], ['runs'], ['show', 'latest']]) {
    const loaded = made.path('loaded');
    writeFileSync(loaded, '');
    const { code } = await runPipeline(words, {
      cwd: made.directory,
      env: { LOADED: loaded, NODE_OPTIONS: `--import ${made.path('see.mjs')}` },
    });
    expect(code).toBe(0);
    const urls = readFileSync(loaded, 'utf8').trim().split('\n');
    expect(urls.length).toBeGreaterThan(3);
    expect(urls.filter((url) => /hono/.test(url))).toEqual([]);
  }
});
