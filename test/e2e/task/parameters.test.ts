import { expect, test } from 'vitest';
import { inJavaScript } from '../../rig/javascript.js';
import { ScriptProject } from '../../rig/scripts.js';

const typeScript = (body: string): Readonly<Record<string, string>> => ({
  'script.ts': `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'train' });
${body}`,
});
const script = async (body: string, files: Readonly<Record<string, string>> = {}): Promise<ScriptProject> =>
  new ScriptProject({ ...(await inJavaScript(typeScript(body))), ...files });

/** Makes a draft of `examples/train` with these arguments, executes it, and gives what it printed. */
async function runClone(project: ScriptProject, ...args: readonly string[]): Promise<string> {
  const clone = await project.task('clone', 'examples/train', ...args);
  expect(clone.code).toBe(0);
  const run = await project.task('run', clone.stdout.trim());
  expect(run.stderr).toContain('examples/Clone of train');
  return run.stdout;
}

const PRINT = `console.log(JSON.stringify(args, (_, value) => typeof value === 'bigint' ? value + 'n' : value instanceof Map ? [...value] : value));\n`;

test('what is set from outside replaces the defaults in place, each as the type of its default', async () => {
  const project = new ScriptProject(
    typeScript(`
const args = { url: 'x', rows: 3, ratio: 0.5, fresh: true, layers: [1, 2], when: new Date(0), big: 1n, opt: { name: 'adam', beta: 0.9 }, map: new Map([['a', 1]]), none: null, absent: undefined };
if (task.connect(args) !== args) throw new Error('another object');
args.when satisfies Date;
${PRINT}console.log(args.when.getTime(), typeof args.big);
`),
  );
  expect((await project.tsx('script.ts')).code).toBe(0);
  const printed = await runClone(
    project,
    ...[
      'url=7',
      'rows=5',
      'ratio=1e-3',
      'fresh=false',
      'layers=[3]',
      'when=2026-01-31',
      'big=12',
      'opt/beta=0.5',
    ].flatMap((each) => ['--arg', `General/${each}`]),
    '--arg',
    'map={"b":2}',
    '--arg',
    'none={"x":1}',
    '--arg',
    'absent=word',
  );
  expect(printed).toBe(
    `${JSON.stringify({ url: '7', rows: 5, ratio: 0.001, fresh: false, layers: [3], when: '2026-01-31T00:00:00.000Z', big: '12n', opt: { name: 'adam', beta: 0.5 }, map: [['b', 2]], none: { x: 1 }, absent: 'word' })}\n1769817600000 bigint\n`,
  );
  // Recorded as what they became.
  expect((await project.show()).parameters).toMatchObject({
    'General/url': '7',
    'General/rows': 5,
    'General/fresh': false,
    'General/opt/name': 'adam',
    'General/opt/beta': 0.5,
  });
  // The template stays what it was.
  expect((await project.show('examples/train')).parameters).toMatchObject({ 'General/rows': 3 });
});

test('what does not fit fails the task, with every name and the place', async () => {
  const project = await script(`
const args = { rows: 3, fresh: true, layers: [1] };
task.connect(args, 'Model');
console.log('not here');
`);
  expect((await project.node('script.js')).code).toBe(0);
  const clone = await project.task(
    'clone',
    'examples/train',
    '--arg',
    'Model/rows=many',
    '--arg',
    'Model/fresh=no',
    '--arg',
    'Model/layers=3',
  );
  const run = await project.task('run', clone.stdout.trim());
  expect(run).toMatchObject({ code: 1, stdout: '' });
  for (const message of [
    'parameter Model/rows takes a number, for example 0.5, not `many`',
    'parameter Model/fresh takes `true` or `false`, not `no`',
    'parameter Model/layers takes an array, not `3`',
  ])
    expect(run.stderr).toContain(message);
  expect(await project.show()).toMatchObject({ status: 'failed', error: { code: 'invalid-parameter' } });
});

test('hostile names are data, in place and in the record', async () => {
  const project = await script(`
const args = JSON.parse('{"__proto__":1,"constructor":"a","toString":true,"hasOwnProperty":[1]}');
task.connect(args, '__proto__');
task.connect({ ok: 1 }, 'constructor');
console.log(JSON.stringify(args), Object.getPrototypeOf(args) === Object.prototype, ({}).polluted);
`);
  expect((await project.node('script.js')).code).toBe(0);
  expect((await project.show()).parameters).toEqual(
    JSON.parse(
      '{"__proto__/__proto__":1,"__proto__/constructor":"a","__proto__/toString":true,"__proto__/hasOwnProperty":[1],"constructor/ok":1}',
    ),
  );
  expect(
    await runClone(
      project,
      '--arg',
      '__proto__/__proto__=2',
      '--arg',
      '__proto__/constructor=b',
      '--arg',
      '__proto__/polluted=x',
    ),
  ).toBe('{"__proto__":2,"constructor":"b","toString":true,"hasOwnProperty":[1]} true undefined\n');
});

test('what cannot be kept as a parameter is an error that names it', async () => {
  const project = await script(`
const circle: Record<string, unknown> = { x: 1 };
circle.self = circle;
for (const args of [{ f: () => 1 }, { bytes: new Uint8Array(2) }, circle, Object.freeze({ a: 1 })]) {
  try { task.connect(args as object, 'S' + Object.keys(args)[0]); console.log('kept'); }
  catch (error) { console.log((error as Error).message); }
}
try { task.connect([1] as never); } catch (error) { console.log((error as Error).message); }
try { task.connect({}, 'a/b'); } catch (error) { console.log((error as Error).message); }
`);
  const { stdout } = await project.node('script.js');
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^Sf\/f is a function/) as unknown,
    expect.stringMatching(/^Sbytes\/bytes holds bytes/) as unknown,
    'Sx/self holds itself',
    'kept',
    'connect takes an object of parameters, not an array',
    'connect takes the name of a section, without / and :, not "a/b"',
  ]);
  const clone = await project.task('clone', 'examples/train', '--arg', 'Sa/a=2');
  const run = await project.task('run', clone.stdout.trim());
  expect(run.stdout).toContain('Sa/a was set from outside, but the object does not let it be changed');
});

test('configurations: an object in place, a file by a copy; from text and from files', async () => {
  const project = await script(
    `
import { readFileSync } from 'node:fs';
const network = task.connectConfiguration({ layers: [64], name: 'a' }, { name: 'network' });
const labels = task.connectConfiguration('labels.txt', { name: 'labels' });
console.log(JSON.stringify(network), readFileSync(labels, 'utf8').trim(), labels === 'labels.txt');
`,
    { 'labels.txt': 'cat\ndog\n', 'other.json': '{"layers":[1,2]}' },
  );
  expect(await project.node('script.js')).toMatchObject({
    code: 0,
    stdout: '{"layers":[64],"name":"a"} cat\ndog true\n',
  });
  expect((await project.show()).configurations).toEqual({
    network: { layers: [64], name: 'a' },
    labels: 'cat\ndog\n',
  });
  expect(await runClone(project, '--config', 'network=@other.json', '--config', 'labels=bird')).toBe(
    '{"layers":[1,2]} bird false\n',
  );
  const clone = await project.task('clone', 'examples/train', '--config', 'network=[1]');
  const run = await project.task('run', clone.stdout.trim());
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(
    'configuration network was set to an array, and the script connects an object',
  );
});

test('parameters of drafts can be set, of what ran not', async () => {
  const project = await script(`
task.connect({ rows: 3 });
await task.setParameters({ 'Model/depth': 4, note: 'x' });
console.log(task.getParameter('rows'), task.getParameter('Model/depth'), JSON.stringify(task.getParameters()));
const draft = await Task.clone({ source: task, name: 'draft', parameters: { rows: 4 } });
await draft.setParameter('General/rows', 5);
await draft.setConfiguration('network', { layers: [1] });
console.log(draft.status, draft.parent === task.id, JSON.stringify(draft.getParameters()), JSON.stringify(draft.getConfiguration('network')));
`);
  expect(await project.node('script.js')).toMatchObject({
    code: 0,
    stdout:
      '3 4 {"General/rows":3,"General/note":"x","Model/depth":4}\ncreated true {"General/rows":5,"General/note":"x","Model/depth":4} {"layers":[1]}\n',
  });
  project.scratch.write({
    'edit.mjs': `import { Task } from 'run-pipeline';
const task = await Task.get({ project: 'examples', name: 'train' });
await task.setParameter('rows', 9).catch((error) => console.log(error.message));
await task.addTags('seen');
await task.setComment('kept');
console.log(task.status, task.tags, task.comment, task.getParameter('rows'));
`,
  });
  const edit = await project.node('edit.mjs');
  expect(edit.stdout).toMatch(
    /^the task examples\/train \(\w+\) is completed: it cannot be changed\ncompleted \[ 'seen' \] kept 3\n$/,
  );
});
