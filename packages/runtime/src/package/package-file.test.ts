import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import { expect, test } from 'vitest';
import { createPackager, materialisePackage, readPackage } from './index.js';
import { packageFile, parsePackage } from './package-file.js';
import { ScratchProject } from './scratch-project.test-support.js';

const SOURCE = `import { PipelineController } from 'run-pipeline';
import { check } from './check.js';
interface Row { x: number }

/** A step. */
function one(row: Row) {

  return check(row.x);
}
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
`;
const CHECK = `type N = number;

export function check(x: N): N {
  if (x > 0) {
    throw new RangeError('boom');
  }
  return x;
}
`;

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

const scratch = async (files: Record<string, string> = {}): Promise<ScratchProject> =>
  ScratchProject.create({ 'pipeline.ts': SOURCE, 'check.ts': CHECK, ...files });

test('a stack trace shows the user’s TypeScript, also when placeholders have grown', async () => {
  const project = await scratch({
    'node_modules/dep/package.json': '{"name":"dep","version":"1.0.0","main":"i.js"}',
    'node_modules/dep/i.js': 'exports.v = 1',
    'check.ts': CHECK.replace(
      'type N = number;',
      "import { v } from 'dep'; type N = number; export const w = v;",
    ).replace("'boom'", "'boom' + v"),
  });
  const result = await project.package([await project.functionStep('one')]);
  const task = result.packages.get('one')!;
  const trace = String(await project.run(task, [{ x: 1 }]));
  expect(trace).toContain(`${project.path('check.ts')}:5:11`);
  expect(trace).toContain(`${project.path('pipeline.ts')}:8:10`);
  expect(task.manifest.source).toEqual({ file: 'pipeline.ts', line: 6, endLine: 9 });
  await project.remove();
});

test('the stored map names sources relative to the project, the runnable one from its root', async () => {
  const project = await scratch();
  const task = (await project.package([await project.functionStep('one')])).packages.get('one')!;
  const stored = JSON.parse(parsePackage(await readFile(packageFile(project.paths, task.hash), 'utf8'))!.map);
  expect([...stored.sources].sort()).toEqual(['check.ts', 'pipeline.ts']);
  // The place of the project is told on disk, but is no part of the package's name.
  const elsewhere = await scratch();
  const other = (await elsewhere.package([await elsewhere.functionStep('one')])).packages.get('one')!;
  expect(other.hash).toBe(task.hash);
  await elsewhere.remove();
  const { file, sourceMap } = await materialisePackage({ paths: project.paths, package: task });
  const code = await readFile(file, 'utf8');
  expect(sourceMap).toBe(file);
  const map = new TraceMap(decode(/base64,(\S+)\n$/.exec(code)![1]!));
  const lines = code.split('\n');
  const line = lines.findIndex((text) => text.includes('RangeError'));
  const found = originalPositionFor(map, { line: line + 1, column: lines[line]!.indexOf('RangeError') });
  expect(found).toMatchObject({ line: 5, column: 14 });
  await project.remove();
});

test('the symbols of a package name its declarations, with their places', async () => {
  const project = await scratch();
  const before = (await project.package([await project.functionStep('one')])).packages.get('one')!.manifest;
  expect(before.symbols.map(({ name, file, line }) => [name, file, line])).toEqual([
    ['one', 'pipeline.ts', 6],
    ['check', 'check.ts', 3],
  ]);
  await project.write({ 'check.ts': CHECK.replace('x > 0', 'x > 1').replace('type N', '// more\ntype N') });
  const after = (await project.package([await project.functionStep('one')])).packages.get('one')!.manifest;
  const changed = after.symbols.filter((symbol, index) => symbol.hash !== before.symbols[index]!.hash);
  expect(changed.map((symbol) => symbol.name)).toEqual(['check']);
  await project.remove();
});

test('packagers that write the same package at once both succeed, and leave nothing behind', async () => {
  const project = await scratch();
  const request = await project.functionStep('one');
  const results = await Promise.all(
    Array.from({ length: 6 }, () =>
      createPackager({ mapToSource: (place) => place })({ paths: project.paths, requests: [request] }),
    ),
  );
  expect(new Set(results.map((result) => result.packages.get('one')!.hash)).size).toBe(1);
  const names = await readdir(join(project.paths.home, 'packages'));
  expect(names).toEqual([`${results[0]!.packages.get('one')!.hash.slice('sha256:'.length)}.mjs`]);
  await project.remove();
});

test('a damaged package is noticed when it is read, never run, and made again', async () => {
  const project = await scratch();
  const request = await project.functionStep('one');
  const packager = () =>
    createPackager({ mapToSource: (place) => place })({ paths: project.paths, requests: [request] });
  const task = (await packager()).packages.get('one')!;
  expect(readPackage(project.paths, task.hash)?.manifest).toEqual(task.manifest);
  const file = packageFile(project.paths, task.hash);
  const whole = await readFile(file, 'utf8');
  for (const damaged of [
    'export default () => "evil"',
    `import 'evil';${whole}`,
    whole.replace('x>0', 'x>1'),
    whole.slice(0, -9),
    `${whole}evil();`,
    whole.replace('"id":', '"ID":'),
    '',
  ]) {
    expect(damaged).not.toBe(whole);
    await writeFile(file, damaged);
    expect(readPackage(project.paths, task.hash)).toBeUndefined();
  }
  expect(readPackage(project.paths, task.hash)).toBeUndefined();
  await expect(materialisePackage({ paths: project.paths, package: task })).rejects.toMatchObject({
    code: 'package-damaged',
  });
  const again = (await packager()).packages.get('one')!;
  expect(await project.run(again, [{ x: 0 }])).toBe(0);
  await writeFile(packageFile(project.paths, again.hash), '{');
  await rm(join(project.paths.home, 'cache'), { recursive: true });
  expect(await project.run((await packager()).packages.get('one')!, [{ x: 0 }])).toBe(0);
  await project.remove();
});

test('assets go with the package, and import.meta.url finds them there', async () => {
  const project = await scratch({
    'steps/data/a.csv': 'A',
    'steps/data/deep/b.csv': 'B',
    'steps/data/c.txt': 'C',
    'steps/pipeline.ts': `import { PipelineController } from 'run-pipeline';
import { readFileSync } from 'node:fs';
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: () => readFileSync(new URL('./data/deep/b.csv', import.meta.url), 'utf8') + import.meta.dirname });
`,
  });
  const request = await project.functionStep('one', {
    file: 'steps/pipeline.ts',
    assets: ['./data/**/*.csv', 'data/c.txt'],
  });
  const task = (await project.package([request])).packages.get('one')!;
  expect(task.manifest.assets.map(({ path, size }) => [path, size])).toEqual([
    ['assets/steps/data/a.csv', 1],
    ['assets/steps/data/c.txt', 1],
    ['assets/steps/data/deep/b.csv', 1],
  ]);
  expect(await project.run(task)).toBe(`B${join(task.directory, 'assets/steps')}`);
  await project.write({ 'steps/data/a.csv': 'A2' });
  const changed = (await project.package([request])).packages.get('one')!;
  expect(changed.manifest.codeHash).toBe(task.manifest.codeHash);
  expect(changed.manifest.assets[0]!.hash).not.toBe(task.manifest.assets[0]!.hash);
  await project.write({ 'steps/data/new.csv': 'N' });
  expect((await project.package([request])).packages.get('one')!.manifest.assets).toHaveLength(4);
  await project.remove();
});

test.each([
  ['missing', './nowhere.csv', 'asset-missing'],
  ['missing, as a glob', './nowhere/*.csv', 'asset-missing'],
  ['outside of the project', '../../../../../../etc/hostname', 'asset-outside'],
])('an asset that is %s is an error', async (_what, asset, code) => {
  const project = await scratch();
  const result = await project.package([await project.functionStep('one', { assets: [asset] })]);
  expect(result.packages.size).toBe(0);
  expect(result.diagnostics.map((each) => each.code)).toEqual([code]);
  await project.remove();
});

test('an asset behind a link that leads outside is refused', async () => {
  const outside = await ScratchProject.create({ 'secret.txt': 'S' });
  const project = await scratch();
  await project.link('data.txt', outside.path('secret.txt'));
  const result = await project.package([await project.functionStep('one', { assets: ['./data.txt'] })]);
  expect(result.diagnostics.map((each) => each.code)).toEqual(['asset-outside']);
  await Promise.all([project.remove(), outside.remove()]);
});
