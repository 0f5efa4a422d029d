import { rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import Database from 'libsql';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Session } from '@run-pipeline/core/wire';
import { runPipeline } from '../rig/command.js';
import { writeRun } from '../rig/page-runs.js';
import { PageServer } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { openSqliteStore } from '../rig/engine.js';

const start = (words: readonly string[] = ['--port', '0']): Promise<PageServer> =>
  PageServer.start({ cwd: scratch({}).directory, words });

/** Of tests that leave it as it is. */
let shared: PageServer;
let home: Scratch;
beforeAll(async () => {
  home = scratch({}, { keep: true });
  shared = await PageServer.start({ cwd: home.directory, keep: true });
});
beforeEach(() => {
  shared.cookie = undefined;
});
afterAll(async () => {
  shared.child.kill('SIGKILL');
  await shared.ended;
  rmSync(home.directory, { recursive: true, force: true, maxRetries: 5 });
});

const EVERY_RESOURCE = [
  'GET /api/session',
  'GET /api/runs',
  'GET /api/runs/01abc',
  'GET /api/runs/01abc/form',
  'GET /api/runs/01abc/logs',
  'GET /api/runs/01abc/steps/a/logs',
  'GET /api/runs/01abc/steps/a/inputs',
  'GET /api/runs/01abc/steps/a/code',
  'GET /api/runs/01abc/steps/a/why',
  'GET /api/runs/01abc/steps/a/packages',
  `GET /api/artifacts/sha256:${'0'.repeat(64)}`,
  `GET /api/artifacts/sha256:${'0'.repeat(64)}/page?type=text&codecVersion=1`,
  'GET /api/stream',
  'GET /api/tasks',
  'GET /api/tasks/x',
  'GET /api/tasks/x/logs',
  'GET /api/queues',
  'GET /api/queues/default',
  'GET /api/agents',
  'POST /api/ticket',
  'POST /api/runs/01abc/abort',
  'POST /api/runs/01abc/resume',
  'POST /api/runs/01abc/rerun',
  'POST /api/runs/01abc/preview',
  'POST /api/cache/refresh',
  'POST /api/tasks/x/clone',
  'POST /api/tasks/x/enqueue',
  'POST /api/tasks/x/abort',
];

test('no resource answers without a session', async () => {
  const server = shared;
  for (const resource of EVERY_RESOURCE) {
    const [method, path] = resource.split(' ') as [string, string];
    const origin: Readonly<Record<string, string>> = method === 'POST' ? { origin: server.address } : {};
    const wrong = [
      { session: 'none' as const, headers: origin },
      { session: 'none' as const, headers: { ...origin, authorization: 'Bearer nonsense' } },
      { session: 'none' as const, headers: { ...origin, cookie: 'run-pipeline=1.2; a=b' } },
    ];
    for (const options of wrong) {
      const refused = await server.refused(method, path, {
        ...options,
        ...(method === 'POST' ? { body: '{}' } : {}),
      });
      expect([resource, refused.status, refused.code]).toEqual([resource, 401, 'no-session']);
    }
  }
});

test('the link trades its token for a cookie, and leaves it out of the address', async () => {
  const server = shared;
  const reply = await server.ask('GET', `/runs/x?view=graph&token=${server.token}`, { session: 'none' });
  expect(reply.status).toBe(303);
  expect(reply.headers.location).toBe('/runs/x?view=graph');
  expect(reply.headers['set-cookie']).toHaveLength(1);
  expect(reply.headers['set-cookie']![0]).toMatch(
    /^run-pipeline-[0-9a-f]{12}=\d+\.[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
  );
  expect(reply.headers['referrer-policy']).toBe('no-referrer');
  await server.login();
  const session = await server.ask('GET', '/api/session', { session: 'cookie' });
  expect(JSON.parse(session.text)).toMatchObject({ actions: true } satisfies Partial<Session>);
});

test('a wrong token opens nothing, and no token leads to another host', async () => {
  const server = shared;
  expect((await server.ask('GET', '/?token=wrong', { session: 'none' })).status).toBe(403);
  const elsewhere = await server.ask('GET', `//evil.example/x?token=${server.token}`, { session: 'none' });
  expect(elsewhere.headers.location ?? '/').toMatch(/^\/(?!\/)/);
});

test('a cookie is good after a restart of the server, an altered one never', async () => {
  const project = scratch({});
  const first = await PageServer.start({ cwd: project.directory });
  await first.login();
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await PageServer.start({ cwd: project.directory });
  second.cookie = first.cookie;
  expect(second.token).not.toBe(first.token);
  expect((await second.ask('GET', '/api/session', { session: 'cookie' })).status).toBe(200);
  const [until, mac] = first.cookie!.split('=')[1]!.split('.') as [string, string];
  const name = first.cookie!.split('=')[0]!;
  for (const value of [
    `${Number(until) + 1}.${mac}`,
    `${until}.`,
    `${until}`,
    `.${mac}`,
    `${until}.${mac}x`,
  ]) {
    second.cookie = `${name}=${value}`;
    expect([value, (await second.ask('GET', '/api/session', { session: 'cookie' })).status]).toEqual([
      value,
      401,
    ]);
  }
  const other = await start();
  other.cookie = first.cookie;
  expect((await other.ask('GET', '/api/session', { session: 'cookie' })).status).toBe(401);
});

test('the key of the sessions and the note of the server are readable by their owner alone', async () => {
  const project = scratch({});
  await PageServer.start({ cwd: project.directory });
  for (const file of ['page-secret', 'page-server.json'])
    expect([file, statSync(project.path('.run-pipeline', file)).mode & 0o777]).toEqual([file, 0o600]);
});

test('a damaged key is told, and what to do', async () => {
  const project = scratch({});
  await runPipeline(['runs'], { cwd: project.directory });
  project.write({ '.run-pipeline/page-secret': 'nonsense' });
  const { code, stderr } = await runPipeline(['ui', '--port', '0'], { cwd: project.directory });
  expect(code).toBe(4);
  expect(stderr).toContain('page-secret does not hold a key');
  expect(stderr).toContain('Delete it');
});

test('requests by another name get nothing: DNS rebinding', async () => {
  const server = shared;
  for (const host of [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1',
    `127.0.0.1:${server.port + 1}`,
    `127.0.0.1.evil.example:${server.port}`,
    `localhost.evil.example:${server.port}`,
    `127.0.0.1:${server.port}@evil.example`,
    `10.0.0.1:${server.port}`,
  ]) {
    for (const path of ['/', '/api/session']) {
      const reply = await server.ask('GET', path, { headers: { host } });
      expect([host, path, reply.status]).toEqual([host, path, 421]);
      expect(reply.text).not.toContain(server.token);
    }
  }
  for (const host of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
    const reply = await server.ask('GET', '/api/session', { headers: { host: `${host}:${server.port}` } });
    expect([host, reply.status]).toEqual([host, 200]);
  }
});

test('a request without Host, and one that is no HTTP, get nothing', async () => {
  const server = shared;
  const answers = await Promise.all(
    ['GET /api/session HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'nonsense\r\n\r\n'].map(
      (text) =>
        new Promise<string>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
          let answer = '';
          socket.on('data', (chunk) => (answer += chunk.toString()));
          socket.on('close', () => resolve(answer));
          socket.on('error', () => resolve(answer));
        }),
    ),
  );
  for (const answer of answers) expect(answer.split('\r\n')[0]).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test('a page of another origin cannot act, nor ask, with the cookie of this one', async () => {
  const server = shared;
  await server.login();
  const ask = (method: string, headers: Readonly<Record<string, string>>): Promise<string> =>
    server
      .refused(method, method === 'GET' ? '/api/runs' : '/api/runs/01abc/abort', {
        session: 'cookie',
        headers,
        ...(method === 'GET' ? {} : { body: '{}' }),
      })
      .then(({ code }) => code);
  for (const origin of [
    'http://evil.example',
    `http://localhost:${server.port + 1}`,
    'null',
    'http://127.0.0.1',
  ]) {
    expect([origin, await ask('POST', { origin })]).toEqual([origin, 'other-origin']);
    expect([origin, await ask('GET', { origin })]).toEqual([origin, 'other-origin']);
  }
  expect(await ask('POST', {})).toBe('other-origin');
  for (const site of ['cross-site', 'same-site'])
    expect(await ask('GET', { 'sec-fetch-site': site })).toBe('other-origin');
  // The page itself.
  expect(await ask('POST', { origin: server.address, 'sec-fetch-site': 'same-origin' })).toBe('unknown-run');
});

test('a body is JSON, of a bounded size, and says only what is known', async () => {
  const server = shared;
  const post = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    server
      .refused('POST', '/api/cache/refresh', { body, headers })
      .then(({ code, message }) => `${code}: ${message}`);
  expect(await post('{}', { 'content-type': 'text/plain' })).toContain('no-json');
  expect(await post('{}', { 'content-type': 'application/x-www-form-urlencoded' })).toContain('no-json');
  expect(await post('{"run"')).toBe('bad-request: the body is no JSON');
  expect(await post('[]')).toBe('bad-request: the body must be an object');
  expect(await post('null')).toBe('bad-request: the body must be an object');
  expect(await post('{"run":"x"}')).toBe('bad-request: "step" is missing');
  expect(await post('{"run":5,"step":"a"}')).toBe('bad-request: "run" must be text');
  expect(await post('{"run":"x","step":"a","more":1}')).toBe('bad-request: there is no field "more"');
  expect(await post('{"run":"x","step":"a","__proto__":1}')).toBe(
    'bad-request: there is no field "__proto__"',
  );
  expect(await post(JSON.stringify({ run: 'x', step: 'y'.repeat(300_000) }))).toContain('too-large');
  // Without a length told beforehand.
  expect(
    await post(JSON.stringify({ run: 'x', step: 'y'.repeat(300_000) }), { 'transfer-encoding': 'chunked' }),
  ).toContain('too-large');
});

test('names and paths that mean harm are names, or are refused', async () => {
  const server = shared;
  const cases: readonly (readonly [path: string, status: number, code: string])[] = [
    ['/api/runs/..%2f..%2fetc%2fpasswd', 400, 'bad-request'],
    ['/api/runs/%00', 400, 'bad-request'],
    ['/api/runs/a%', 400, 'bad-request'],
    ['/api/runs/UPPER', 400, 'bad-request'],
    ['/api/runs/__proto__', 400, 'bad-request'],
    ['/api/runs/constructor', 404, 'unknown-run'],
    ['/api/runs/01abc/steps/__proto__/inputs', 404, 'unknown-run'],
    ['/api/runs/01abc/steps/..%2F..%2Fx/inputs', 404, 'unknown-run'],
    ['/api/runs/01abc/steps/score%5B0%5D/inputs', 404, 'unknown-run'],
    ['/api/runs/01abc/steps/%3Cscript%3E/inputs', 404, 'unknown-run'],
    ['/api/runs/01abc/steps/%0a/inputs', 400, 'bad-request'],
    [`/api/runs/01abc/steps/${'a'.repeat(401)}/inputs`, 400, 'bad-request'],
    ['/api/artifacts/sha256:abc', 400, 'bad-request'],
    ['/api/artifacts/..%2fstate.db', 400, 'bad-request'],
    [`/api/artifacts/sha256:${'0'.repeat(64)}`, 404, 'artifact-missing'],
    ['/api/tasks/__proto__', 404, 'unknown-task'],
    ['/api/queues/toString', 404, 'unknown-queue'],
    ['/api/nothing', 404, 'no-route'],
    ['/api/runs/a/b/c/d', 404, 'no-route'],
    ['/api/runs?limit=0', 400, 'bad-request'],
    ['/api/runs?limit=1e3', 400, 'bad-request'],
    ['/api/runs?limit=5&limit=6', 400, 'bad-request'],
    ['/api/runs?nope=1', 400, 'bad-request'],
    ['/api/stream?runs=a', 400, 'bad-request'],
    ['/api/stream?logs=a/b:1', 400, 'bad-request'],
    [`/api/stream?runs=${Array.from({ length: 60 }, (_, i) => `a${i}:0`).join(',')}`, 400, 'bad-request'],
  ];
  for (const [path, status, code] of cases) {
    const refused = await server.refused('GET', path);
    expect([path, refused.status, refused.code]).toEqual([path, status, code]);
  }
});

test('files of the disk are not files of the page', async () => {
  const server = shared;
  for (const path of [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/assets/../../cli.js',
    '//etc/passwd',
    '/.run-pipeline/page-secret',
    '/assets/..%5c..%5ccli.js',
  ]) {
    const reply = await server.ask('GET', path, { session: 'none' });
    expect([path, reply.text.includes('"dependencies"'), reply.text.includes('root:')]).toEqual([
      path,
      false,
      false,
    ]);
    expect([path, [200, 404, 503].includes(reply.status)]).toEqual([path, true]);
    if (reply.status === 200) expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
  }
});

test('every answer forbids framing, sniffing, foreign scripts and other origins', async () => {
  const server = shared;
  for (const path of ['/', '/runs/x', '/api/session', '/api/nothing', '/assets/none.js']) {
    const { headers } = await server.ask('GET', path);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    if (path.startsWith('/api/')) expect(headers['cache-control']).toBe('no-store');
  }
});

test('other methods change nothing', async () => {
  const server = shared;
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'HEAD']) {
    const reply = await server.ask(method, '/api/runs/01abc/abort');
    expect([method, reply.status >= 400]).toEqual([method, true]);
  }
  expect((await server.ask('GET', '/api/runs/01abc/abort')).status).toBe(404);
  expect((await server.ask('HEAD', '/api/stream')).status).toBe(405);
});

test('a server that only shows refuses every action', async () => {
  const server = await start(['--port', '0', '--read-only']);
  expect((await server.get<Session>('/api/session')).actions).toBe(false);
  for (const resource of EVERY_RESOURCE) {
    const [method, path] = resource.split(' ') as [string, string];
    if (method !== 'POST' || path === '/api/ticket') continue;
    expect([path, (await server.refused('POST', path, { body: '{}' })).code]).toEqual([path, 'read-only']);
  }
});

test('a ticket makes one session, for the command line only', async () => {
  const server = shared;
  await server.login();
  expect(
    (await server.refused('POST', '/api/ticket', { session: 'cookie', headers: { origin: server.address } }))
      .code,
  ).toBe('token-needed');
  const { ticket } = await server.post<{ ticket: string }>('/api/ticket', {});
  const open = async (): Promise<number> =>
    (await server.ask('GET', `/?ticket=${ticket}`, { session: 'none' })).status;
  expect(await open()).toBe(303);
  expect(await open()).toBe(403);
});

test('listening for other machines takes a token of one’s own', async () => {
  const project = scratch({});
  const refused = await runPipeline(['ui', '--port', '0', '--host', '0.0.0.0'], { cwd: project.directory });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('takes a token of your own');
  const short = await runPipeline(['ui', '--host', '0.0.0.0', '--token', 'short'], {
    cwd: project.directory,
  });
  expect(short.code).toBe(2);
  const token = 'a-token-of-twenty-two-characters';
  const server = await PageServer.start({
    cwd: project.directory,
    words: ['--port', '0', '--host', '0.0.0.0', '--token', token],
  });
  expect(server.token).toBe(token);
  await server.login();
  expect((await server.ask('GET', '/api/session', { session: 'cookie' })).status).toBe(200);
  // By its address, which cannot be rebound; never by a name that it was not given.
  const by = (host: string): Promise<number> =>
    server.ask('GET', '/api/session', { headers: { host } }).then(({ status }) => status);
  expect(await by(`192.168.1.5:${server.port}`)).toBe(200);
  expect(await by(`evil.example:${server.port}`)).toBe(421);
  await server.stop();
  // Another token shuts out who had the first one.
  const next = await PageServer.start({
    cwd: project.directory,
    words: ['--port', '0', '--host', '127.0.0.1', '--token', `${token}-2`],
  });
  next.cookie = server.cookie;
  expect((await next.ask('GET', '/api/session', { session: 'cookie' })).status).toBe(401);
});

test('behind a proxy the page is served under the proxy’s name, and no other', async () => {
  const project = scratch({});
  const words = ['--port', '0', '--origin', 'https://page.example.org'];
  const refused = await runPipeline(['ui', ...words], { cwd: project.directory });
  expect([refused.code, refused.stderr.includes('takes a token of your own')]).toEqual([2, true]);
  for (const origin of ['page.example.org', 'ftp://x', 'https://x/path', 'https://a@b', 'javascript:1'])
    expect([
      origin,
      (await runPipeline(['ui', '--origin', origin], { cwd: project.directory })).code,
    ]).toEqual([origin, 2]);
  const token = 'a-token-of-twenty-two-characters';
  const server = await PageServer.start({ cwd: project.directory, words: [...words, '--token', token] });
  const host = { host: 'page.example.org' };
  const link = await server.ask('GET', `/?token=${token}`, { session: 'none', headers: host });
  expect(link.headers['set-cookie']![0]).toMatch(/; Secure$/);
  server.cookie = link.headers['set-cookie']![0]!.split(';')[0];
  const post = (headers: Readonly<Record<string, string>>): Promise<string> =>
    server
      .refused('POST', '/api/runs/01abc/abort', { session: 'cookie', headers, body: '{}' })
      .then(({ code }) => code);
  expect(await post({ ...host, origin: 'https://page.example.org' })).toBe('unknown-run');
  expect(await post({ ...host, origin: 'https://other.example.org' })).toBe('other-origin');
  for (const other of ['other.example.org', 'page.example.org:81', 'page.example.org.evil'])
    expect((await server.ask('GET', '/', { headers: { host: other } })).status).toBe(421);
});

test('what nobody expected is told to the terminal, not to the browser', async () => {
  const project = scratch({});
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  const run = await writeRun(store, { steps: [{ name: 'a' }], status: 'completed' });
  await store.close();
  const database = new Database(project.path('.run-pipeline', 'state.db'));
  // It can be read, and is no event that this version would write.
  database.exec(`UPDATE events SET body = '{"type":"run.start"}' WHERE seq = 0`);
  database.close();
  const server = await PageServer.start({ cwd: project.directory });
  const refused = await server.refused('GET', `/api/runs/${run}`);
  expect(refused).toEqual({
    status: 500,
    code: 'server-failed',
    message: 'the server failed to answer; its terminal says why',
  });
  expect(server.stderr()).toMatch(/TypeError: [^]*\n\s+at /);
});
