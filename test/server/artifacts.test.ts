import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import type { ArtifactPage, RunSnapshot } from '@run-pipeline/core/wire';
import { watchRun } from '../rig/command.js';
import { PageServer } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';

/** A PNG of one pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const PIPELINE = {
  'make.ts': `
import { writeFileSync, mkdirSync } from 'node:fs';
import { Pipeline, Step, file, directory, text, image, registerCodec } from 'run-pipeline';

class Matrix { constructor(readonly cells: Float64Array) {} }
registerCodec<Matrix>({
  id: 'matrix',
  is: (value): value is Matrix => value instanceof Matrix,
  encode: (matrix) => Buffer.from(JSON.stringify([...matrix.cells])),
  decode: (bytes) => new Matrix(Float64Array.from(JSON.parse(Buffer.from(bytes).toString()) as number[])),
});

const PNG = '${PNG}';

@Pipeline({ name: 'make', project: 'examples' })
export class Make {
  @Step({ returns: ['rows', 'mixed', 'report', 'picture', 'svg', 'csv', 'binary', 'bytes', 'tree', 'matrix', 'inside', 'big', 'site', 'sound'] })
  all(): Record<string, unknown> {
    writeFileSync('data.csv', 'name,score\\n"a, b",2\\nc,10\\nd,\\n');
    writeFileSync('site.HTML', '<p><LINK rel=preconnect href=//x><a href="#a" target=_top>a</a><a href="//x">b</a><abbr>');
    writeFileSync('sound.bin', Buffer.from('RIFF\\x24\\0\\0\\0WAVEfmt ', 'latin1'));
    writeFileSync('blob.bin', Buffer.from([0, 1, 2, 255]));
    mkdirSync('out/sub', { recursive: true });
    writeFileSync('out/a.json', '{"deep": [1, 2, {"x": "<script>alert(1)</script>"}]}');
    writeFileSync('out/sub/picture.png', Buffer.from(PNG, 'base64'));
    writeFileSync('out/__proto__', 'a text\\nof two lines');
    return {
      rows: Array.from({ length: 2_500 }, (_, id) => ({ id, name: 'n' + (id % 7), '<b>': id % 2 === 0 ? null : 0.5 })),
      mixed: { map: new Map([['a', 1]]), list: [1, 'two', { __proto__x: 3 }], when: new Date('2026-01-02T03:04:05Z'), floats: new Float64Array([1.5, 2.5]) },
      report: text('# Report\\n<img src=x onerror=alert(1)>\\nthird'),
      picture: image(Buffer.from(PNG, 'base64'), { mime: 'image/png' }),
      svg: image(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), { mime: 'image/svg+xml' }),
      csv: file('data.csv'),
      binary: file('blob.bin'),
      bytes: new Uint8Array([1, 2, 0, 3]),
      tree: directory('out'),
      matrix: new Matrix(new Float64Array([1, 2])),
      inside: { list: [new Matrix(new Float64Array([3])), 'beside'] },
      big: 'x'.repeat(40_000) + 'end',
      site: file('site.HTML'),
      sound: file('sound.bin'),
    };
  }
}
`,
};

interface Made {
  readonly project: Scratch;
  readonly server: PageServer;
  readonly records: Readonly<Record<string, ArtifactRecord>>;
  page(name: string, query?: Readonly<Record<string, string>>): Promise<ArtifactPage>;
}

async function made(keep: boolean): Promise<Made> {
  const project = scratch(PIPELINE, { keep });
  const { events, stderr, code } = await watchRun(['make.ts'], { cwd: project.directory });
  expect(code, stderr).toBe(0);
  const server = await PageServer.start({ cwd: project.directory, keep });
  const { view } = await server.get<RunSnapshot>(`/api/runs/${events[0]!.run}`);
  const records = Object.fromEntries(view.steps[0]!.artifacts.map((record) => [record.name, record]));
  return {
    project,
    server,
    records,
    page(name, query = {}) {
      const { hash, type, codecVersion, meta = {} } = records[name]!;
      const { fileName, mime } = meta as { fileName?: string; mime?: string };
      const all = {
        type,
        codecVersion: String(codecVersion),
        ...(fileName === undefined ? {} : { fileName }),
        ...(mime === undefined ? {} : { mime }),
        ...query,
      };
      return server.get(`/api/artifacts/${hash}/page?${new URLSearchParams(all).toString()}`);
    },
  };
}

/** Of tests that only look. */
let shared: Made;
beforeAll(async () => {
  shared = await made(true);
}, 60_000);
afterAll(async () => {
  shared.server.child.kill('SIGKILL');
  await shared.server.ended;
  rmSync(shared.project.directory, { recursive: true, force: true, maxRetries: 5 });
});

test('every kind of artifact is shown as what it is, page by page', async () => {
  const { page } = shared;
  expect(await page('rows', { offset: '2499' })).toEqual({
    kind: 'table',
    columns: ['id', 'name', '<b>'],
    rows: [{ index: 2_499, cells: [2_499, 'n0', 0.5] }],
    total: 2_500,
  });
  expect(await page('rows', { sort: 'id', descending: '1', limit: '2', offset: '1' })).toMatchObject({
    rows: [{ index: 2_498 }, { index: 2_497 }],
  });
  expect(await page('rows', { as: 'tree', path: '["7","name"]' })).toMatchObject({
    kind: 'tree',
    node: { type: 'string', value: 'n0' },
  });
  expect(await page('mixed', { path: '["list"]' })).toMatchObject({
    kind: 'tree',
    node: {
      type: 'array',
      size: 3,
      entries: [{ node: { value: 1 } }, { node: { value: 'two' } }, { node: { type: 'object' } }],
    },
  });
  expect(await page('report', { limit: '2' })).toEqual({
    kind: 'text',
    text: '# Report\n<img src=x onerror=alert(1)>',
    total: 3,
  });
  expect(await page('picture')).toEqual({ kind: 'image', mime: 'image/png' });
  expect(await page('svg')).toEqual({ kind: 'image', mime: 'image/svg+xml' });
  expect(await page('site')).toEqual({ kind: 'document' });
  expect(await page('site', { as: 'text' })).toMatchObject({ kind: 'text', total: 1 });
  expect(await page('sound')).toEqual({ kind: 'media', mime: 'audio/wav' });
  expect(await page('csv', { sort: 'score', descending: '1' })).toMatchObject({
    kind: 'table',
    columns: ['name', 'score'],
    rows: [{ cells: ['d', ''] }, { cells: ['c', 10] }, { cells: ['a, b', 2] }],
  });
  expect(await page('csv', { as: 'text' })).toMatchObject({ kind: 'text', total: 5 });
  expect(await page('binary')).toEqual({ kind: 'bytes', reason: 'it is no text' });
  expect(await page('bytes')).toEqual({ kind: 'bytes', reason: 'it is no text' });
  expect(await page('tree')).toMatchObject({
    kind: 'files',
    files: [{ path: '__proto__' }, { path: 'a.json' }, { path: 'sub/picture.png' }],
    total: 3,
  });
  expect(await page('tree', { path: '["a.json","deep","2"]' })).toMatchObject({
    node: { entries: [{ key: 'x', node: { value: '<script>alert(1)</script>' } }] },
  });
  expect(await page('tree', { path: '["__proto__"]' })).toMatchObject({ kind: 'text', total: 2 });
  expect(await page('tree', { path: '["sub/picture.png"]' })).toEqual({ kind: 'image', mime: 'image/png' });
  expect((await page('tree', { path: '["../../state.db"]' })).kind).toBe('bytes');
  expect(await page('matrix')).toMatchObject({ kind: 'bytes', reason: expect.stringContaining('matrix') });
  expect(await page('inside', { path: '["list"]' })).toMatchObject({
    node: { entries: [{ node: { type: 'matrix' } }, { node: { value: 'beside' } }] },
  });
  expect(await page('big')).toMatchObject({ kind: 'text', total: 1 });
});

test('bytes are an attachment in a sandbox, whole and by ranges', async () => {
  const { server, records } = shared;
  const { hash, size } = records['big']!;
  const whole = await server.ask(
    'GET',
    `/api/artifacts/${hash}?name=${encodeURIComponent('a "b"/../ü.json')}`,
  );
  expect(whole.status).toBe(200);
  expect(`sha256:${createHash('sha256').update(whole.bytes).digest('hex')}`).toBe(hash);
  expect(whole.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-length': String(size),
    'accept-ranges': 'bytes',
  });
  expect(whole.headers['content-disposition']).toBe(
    `attachment; filename="a__b__..__.json"; filename*=UTF-8''a%20%22b%22%2F..%2F%C3%BC.json`,
  );
  const range = (value: string) => server.ask('GET', `/api/artifacts/${hash}`, { headers: { range: value } });
  const part = await range('bytes=5-14');
  expect(part.status).toBe(206);
  expect(part.headers['content-range']).toBe(`bytes 5-14/${size}`);
  expect(part.bytes).toEqual(whole.bytes.subarray(5, 15));
  expect((await range('bytes=-4')).bytes).toEqual(whole.bytes.subarray(-4));
  const beyond = await range(`bytes=${size}-`);
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${size}`]);
  expect((await range('bytes=0-1,3-4')).status).toBe(200);
  const head = await server.ask('HEAD', `/api/artifacts/${hash}`);
  expect([head.status, head.headers['content-length'], head.bytes.length]).toEqual([200, String(size), 0]);
  const same = await server.ask('GET', `/api/artifacts/${hash}`, {
    headers: { 'if-none-match': String(whole.headers.etag) },
  });
  expect([same.status, same.bytes.length]).toEqual([304, 0]);
  // A small one rides in the store, and is no different.
  const small = records['report']!;
  const reply = await server.ask('GET', `/api/artifacts/${small.hash}`, { headers: { range: 'bytes=2-7' } });
  expect([reply.status, reply.text]).toEqual([206, 'Report']);
});

test('only images and sound are shown inline, whatever the record says', async () => {
  const { server, records } = shared;
  const inline = (name: string, more = '') =>
    server.ask('GET', `/api/artifacts/${records[name]!.hash}?inline=1${more}`);
  const picture = await inline('picture');
  expect(picture.status).toBe(200);
  expect(picture.headers).toMatchObject({ 'content-type': 'image/png', 'content-disposition': 'inline' });
  expect(picture.bytes).toEqual(Buffer.from(PNG, 'base64'));
  const sound = await inline('sound');
  expect(sound.headers).toMatchObject({ 'content-type': 'audio/wav', 'accept-ranges': 'bytes' });
  // For an `<img>`, in which nothing of it runs; who opens it by itself gets a file.
  const drawing = await inline('svg');
  expect(drawing.headers).toMatchObject({
    'content-type': 'image/svg+xml',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
  });
  for (const destination of ['document', 'iframe', 'frame', 'object', 'embed']) {
    const opened = await server.ask('GET', `/api/artifacts/${records['svg']!.hash}?inline=1`, {
      headers: { 'sec-fetch-dest': destination },
    });
    expect(opened.headers['content-type']).toBe('application/octet-stream');
    expect(opened.headers['content-disposition']).toMatch(/^attachment/);
  }
  for (const name of ['report', 'rows', 'big', 'binary'])
    expect([name, (await inline(name)).status]).toEqual([name, 415]);
  const inside = await inline('tree', '&path=sub%2Fpicture.png');
  expect(inside.bytes).toEqual(Buffer.from(PNG, 'base64'));
  const file = await server.ask('GET', `/api/artifacts/${records['tree']!.hash}?path=a.json`);
  expect(file.headers['content-disposition']).toContain('filename="a.json"');
  expect(JSON.parse(file.text)).toMatchObject({ deep: [1, 2, {}] });
  expect((await server.refused('GET', `/api/artifacts/${records['tree']!.hash}?path=..%2Fx`)).code).toBe(
    'no-such-file',
  );
  expect((await server.refused('GET', `/api/artifacts/${records['report']!.hash}?path=x`)).code).toBe(
    'no-such-file',
  );
});

test('a document for a frame has no rights, and nothing in it that connects', async () => {
  const { server, records } = shared;
  const { hash } = records['site']!;
  const { headers, text } = await server.ask('GET', `/api/artifacts/${hash}?inline=document`);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    'x-frame-options': 'SAMEORIGIN',
    'x-dns-prefetch-control': 'off',
  });
  expect(text).toBe(
    '<p><x-LINK rel=preconnect href=//x><a href="#a" target=_top>a</a><x-a href="//x">b</a><abbr>',
  );
  // Everything else of ours refuses to be framed.
  expect((await server.ask('GET', '/queues')).headers).toMatchObject({
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
});

test('a damaged or missing artifact is told as that, and never shown', async () => {
  const { project, server, records, page } = await made(false);
  const blobs = project.path('.run-pipeline', 'blobs');
  const hex = records['big']!.hash.slice('sha256:'.length);
  const path = join(blobs, hex.slice(0, 2), hex);
  const content = readFileSync(path);
  writeFileSync(path, Buffer.concat([Buffer.from('X'), content.subarray(1)]));
  const damaged = await server.refused('GET', `/api/artifacts/${records['big']!.hash}`);
  expect([damaged.status, damaged.code]).toEqual([404, 'artifact-damaged']);
  await expect(page('big')).rejects.toThrow('artifact-damaged');
  truncateSync(path, 10);
  expect((await server.refused('GET', `/api/artifacts/${records['big']!.hash}`)).code).toBe(
    'artifact-damaged',
  );
  writeFileSync(path, content);
  expect((await server.ask('GET', `/api/artifacts/${records['big']!.hash}`)).status).toBe(200);
  const tree = records['tree']!.hash.slice('sha256:'.length);
  const there = readdirSync(blobs).includes(tree.slice(0, 2));
  if (there) writeFileSync(join(blobs, tree.slice(0, 2), tree), 'nonsense');
  const other = `sha256:${'ab'.repeat(32)}`;
  expect((await server.refused('GET', `/api/artifacts/${other}`)).code).toBe('artifact-missing');
});

test('what is asked wrongly about a page is refused, or a page that says so', async () => {
  const { server, records } = shared;
  const ask = (query: string) =>
    server.refused('GET', `/api/artifacts/${records['rows']!.hash}/page?${query}`);
  expect((await ask('type=superjson')).message).toContain('codecVersion');
  expect((await ask('codecVersion=1')).message).toContain('type');
  expect((await ask('type=superjson&codecVersion=1&limit=1001')).message).toContain('limit');
  expect((await ask('type=superjson&codecVersion=1&path=nope')).message).toContain('path');
  expect((await ask('type=superjson&codecVersion=1&path=[1]')).message).toContain('path');
  // Bytes of one kind, asked for as another.
  for (const type of ['directory', 'image', 'arrow', '__proto__', 'superjson']) {
    const page = await server.get<ArtifactPage>(
      `/api/artifacts/${records['report']!.hash}/page?type=${type}&codecVersion=1&mime=image/png`,
    );
    expect([type, page.kind]).toEqual([type, 'bytes']);
  }
});

test('a value that takes all memory to decode costs the page of it, and nothing else', async () => {
  const project = scratch({
    'huge.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'huge', project: 'examples' })
export class Huge {
  @Step() nested(): unknown {
    let value: unknown = 1;
    for (let depth = 0; depth < 3000; depth++) value = { a: value };
    return value;
  }
  @Step() wide(): unknown { return Array.from({ length: 400_000 }, (_, i) => ({ a: i, b: 'x' + i, c: [i] })); }
}
`,
  });
  const { events } = await watchRun(['huge.ts'], { cwd: project.directory });
  const server = await PageServer.start({ cwd: project.directory });
  const { view } = await server.get<RunSnapshot>(`/api/runs/${events[0]!.run}`);
  const hash = (step: string): string => view.steps.find(({ name }) => name === step)!.artifacts[0]!.hash;
  const wide = server.get<ArtifactPage>(
    `/api/artifacts/${hash('wide')}/page?type=superjson&codecVersion=1&sort=b&descending=1&limit=1`,
  );
  // The server answers while the value is decoded and sorted.
  let answers = 0;
  let over = false;
  void wide.then(() => (over = true));
  while (!over) {
    await server.get('/api/session');
    answers++;
  }
  expect(await wide).toMatchObject({
    kind: 'table',
    total: 400_000,
    rows: [{ cells: [99_999, 'x99999', '[99999]'] }],
  });
  expect(answers).toBeGreaterThan(5);
  const path = JSON.stringify(Array.from({ length: 60 }, () => 'a'));
  expect(
    await server.get(
      `/api/artifacts/${hash('nested')}/page?type=superjson&codecVersion=1&path=${encodeURIComponent(path)}`,
    ),
  ).toMatchObject({ kind: 'tree', node: { type: 'object', size: 1 } });
});
