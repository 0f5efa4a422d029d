import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScriptProject } from '../../rig/scripts.js';

const INIT = `import { Task, image, registerCodec, text } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'produce' });
`;
const READ = `import { readFileSync, readdirSync } from 'node:fs';
import { Task } from 'run-pipeline';
`;

test('values, files and folders come back as they were, also through local copies', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}
await task.uploadArtifact('rows', [{ x: 1, when: new Date(5) }]);
await task.uploadArtifact('numbers', Float64Array.of(1.5, 2.5));
await task.uploadArtifact('big', new Array(30_000).fill('value'));
await task.uploadArtifact('words', text('grüße'));
await task.uploadArtifact('plain', 'no such file');
await task.uploadArtifact('csv', 'data/iris.csv');
await task.uploadArtifact('folder', 'data');
await task.uploadArtifact('twice', 1);
await task.uploadArtifact('twice', 2);
const { artifacts } = task;
console.log(Object.keys(artifacts).join(), await artifacts.twice.get(), await artifacts.rows.get());
console.log(readFileSync(await artifacts.csv.getLocalCopy(), 'utf8').trim());
`.replace('import { Task', "import { readFileSync } from 'node:fs';\nimport { Task"),
    'data/iris.csv': 'a,b\n1,2\n',
    'data/deep/note.txt': 'deep',
    'consume.mjs': `${READ}
const { artifacts } = await Task.get({ project: 'examples', name: 'produce' });
console.log(await artifacts.rows.get(), await artifacts.numbers.get(), (await artifacts.big.get()).length);
console.log(await artifacts.words.get(), await artifacts.plain.get(), await artifacts.twice.get());
const csv = await artifacts.csv.get();
console.log(csv.name, readFileSync(csv.path, 'utf8') === readFileSync(await artifacts.csv.getLocalCopy(), 'utf8'));
console.log(readdirSync(await artifacts.folder.getLocalCopy(), { recursive: true }).sort().join());
console.log(readFileSync(await artifacts.rows.getLocalCopy(), 'utf8').includes('"json"'));
console.log(readFileSync(await artifacts.words.getLocalCopy(), 'utf8'), (await artifacts.words.getLocalCopy()).endsWith('words.txt'));
console.log(readFileSync(await artifacts.numbers.getLocalCopy()).byteLength);
const { url, hash, size, type, preview, createdAt, meta } = artifacts.csv;
console.log(url, hash.length, size, type, preview, Number.isNaN(Date.parse(createdAt)), meta.fileName);
console.log('csv' in artifacts, 'nothing' in artifacts, JSON.stringify(Object.keys(artifacts)));
try { artifacts.csvv; } catch (error) { console.log(error.code, error.message.replace(/\\(\\w{26}\\)/, ''), error.help); }
`,
  });
  expect(await project.node('produce.mjs')).toMatchObject({
    code: 0,
    stdout: `rows,numbers,big,words,plain,csv,folder,twice 2 [ { x: 1, when: 1970-01-01T00:00:00.005Z } ]\na,b\n1,2\n`,
  });
  const { stdout } = await project.node('consume.mjs');
  expect(stdout.trimEnd().split('\n')).toEqual([
    '[ { x: 1, when: 1970-01-01T00:00:00.005Z } ] Float64Array(2) [ 1.5, 2.5 ] 30000',
    'grüße no such file 2',
    'iris.csv true',
    'deep,deep/note.txt,iris.csv',
    'true',
    'grüße true',
    '16',
    expect.stringMatching(/^artifact:\/\/sha256\/[0-9a-f]{64} 71 8 file iris\.csv, 8 bytes false iris\.csv$/),
    `true false ["rows","numbers","big","words","plain","csv","folder","twice"]`,
    'unknown-artifact the task examples/produce  has no artifact "csvv" (did you mean "csv"?) it has rows, numbers, big, words, plain, csv, folder, twice',
  ]);
});

test('the command line prints an artifact, or writes it to a path', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}
await task.uploadArtifact('rows', [1, 2]);
await task.uploadArtifact('folder', 'data');
`,
    'data/a.txt': 'a',
  });
  expect((await project.node('produce.mjs')).code).toBe(0);
  expect((await project.task('get', 'examples/produce', 'rows', '--json')).stdout).toBe('[1,2]\n');
  const written = await project.task('get', 'examples/produce', 'folder', '-o', 'copy');
  expect(written.code).toBe(0);
  expect(readFileSync(project.scratch.path('copy/a.txt'), 'utf8')).toBe('a');
  const missing = await project.task('get', 'examples/produce', 'row');
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('has no artifact "row" (did you mean "rows"?)');
});

test('what was uploaded is what the value was then, and what the file held', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}
const rows = [1];
const bytes = new Uint8Array(100_000).fill(1);
const uploads = [task.uploadArtifact('rows', rows), task.uploadArtifact('bytes', bytes)];
rows.push(2);
bytes.fill(2);
await Promise.all(uploads);
console.log(await task.artifacts.rows.get(), (await task.artifacts.bytes.get())[0]);
`,
  });
  expect(await project.node('produce.mjs')).toMatchObject({ code: 0, stdout: '[ 1 ] 1\n' });
});

test('a damaged or missing blob is an error, not a wrong value', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}await task.uploadArtifact('big', new Array(30_000).fill('value'));\n`,
    'consume.mjs': `${READ}
const { artifacts } = await Task.get({ project: 'examples', name: 'produce' });
await artifacts.big.get().catch((error) => console.log(error.code));
await artifacts.big.getLocalCopy().catch((error) => console.log(error.code));
`,
  });
  expect((await project.node('produce.mjs')).code).toBe(0);
  const [{ hash }] = (await project.show()).artifacts as unknown as [{ readonly hash: string }];
  const hex = hash.slice('sha256:'.length);
  const blob = project.scratch.path('.run-pipeline/blobs', hex.slice(0, 2), hex);
  expect(existsSync(blob)).toBe(true);
  writeFileSync(blob, Buffer.alloc(statSync(blob).size));
  expect((await project.node('consume.mjs')).stdout).toBe('artifact-damaged\nartifact-damaged\n');
});

test('codecs of the script are used', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}
class Point { constructor(x) { this.x = x; } }
const codec = (sync) => ({ id: 'point', is: (value) => value instanceof Point, encode: (point) => sync ? Buffer.from(String(point.x)) : Promise.resolve(Buffer.from(String(point.x))), decode: (bytes) => new Point(Number(Buffer.from(bytes).toString())) });
registerCodec(codec(true));
await task.uploadArtifact('sync', new Point(1));
registerCodec(codec(false));
await task.uploadArtifact('later', { list: [new Point(2)] });
const read = [await task.artifacts.sync.get(), (await task.artifacts.later.get()).list[0]];
console.log(read.every((point) => point instanceof Point), read.map(({ x }) => x).join());
`,
  });
  expect(await project.node('produce.mjs')).toMatchObject({ code: 0, stdout: 'true 1,2\n' });
});

test('a clone that runs in a worker uploads, and reads what it uploaded', async () => {
  const project = new ScriptProject({
    'produce.mjs': `${INIT}
await task.executeRemotely();
await task.uploadArtifact('rows', [1, 2]);
await task.uploadArtifact('self', 'produce.mjs');
console.log(await task.artifacts.rows.get(), (await task.artifacts.self.getLocalCopy()).length > 0, (await task.artifacts.rows.getLocalCopy()).endsWith('rows.json'));
`,
  });
  mkdirSync(project.scratch.path('data'));
  expect((await project.node('produce.mjs')).code).toBe(0);
  const run = await project.task('run', 'examples/produce');
  expect(run).toMatchObject({ code: 0, stdout: '[ 1, 2 ] true true\n' });
  expect(await project.get('rows')).toEqual([1, 2]);
});
