import { expect, test } from 'vitest';
import { ScratchProject } from './scratch-project.test-support.js';

async function codeHash(files: Readonly<Record<string, string>>): Promise<string> {
  const project = await ScratchProject.create(files);
  const result = await project.package([await project.functionStep('one')]);
  expect(result.diagnostics.filter((each) => each.severity === 'error')).toEqual([]);
  await project.remove();
  return result.packages.get('one')!.manifest.codeHash;
}

const pipeline = (code: string): Record<string, string> => ({
  'pipeline.ts': `import { PipelineController } from 'run-pipeline';
${code}
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
`,
  'a.ts': 'export const a = (x: number) => x + 1; export const a2 = 2;',
  'b.ts': 'export function b(x: number) { return x * 2 }',
  'effect1.ts': '(globalThis as any).order = [...((globalThis as any).order ?? []), 1]; export const e1 = 1;',
  'effect2.ts': '(globalThis as any).order = [...((globalThis as any).order ?? []), 2]; export const e2 = 2;',
});

test('comments, formatting and the place of the project do not count', async () => {
  const plain = await codeHash(
    pipeline('import { a } from "./a";\nfunction one(x: number) { return a(x) + 1 }'),
  );
  const other = await codeHash(
    pipeline(`// why
import { a } from './a';
/** Adds. */
function one(
  x: number, // the number
): number {
  /* twice */
  return a(x) + 1;
}`),
  );
  expect(other).toBe(plain);
});

test('the order of specifiers and of modules without effects does not count', async () => {
  const body = 'function one(x: number) { return a(x) + b(x) + a2 }';
  const plain = await codeHash(pipeline(`import { a, a2 } from "./a"; import { b } from "./b"; ${body}`));
  expect(await codeHash(pipeline(`import { b } from "./b"; import { a2, a } from "./a"; ${body}`))).toBe(
    plain,
  );
  expect(
    await codeHash(
      pipeline(`import { a2 } from "./a"; import { b } from "./b"; import { a } from "./a"; ${body}`),
    ),
  ).toBe(plain);
});

test('the order of modules with effects counts', async () => {
  const body = 'function one(x: number) { return e1 + e2 }';
  const plain = await codeHash(
    pipeline(`import { e1 } from "./effect1"; import { e2 } from "./effect2"; ${body}`),
  );
  expect(
    await codeHash(pipeline(`import { e2 } from "./effect2"; import { e1 } from "./effect1"; ${body}`)),
  ).not.toBe(plain);
});

test('an import that the step does not use does not count', async () => {
  const body = 'function one(x: number) { return a(x) } function other() { return b(1) }';
  const plain = await codeHash(pipeline(`import { a } from "./a"; ${body.replace('b(1)', '1')}`));
  expect(
    await codeHash(
      pipeline(`import { a } from "./a"; import { b } from "./b"; import fs from "fs"; ${body}`),
    ),
  ).toBe(plain);
});

test('what a helper computes counts, what it holds beside does not', async () => {
  const files = pipeline('import { a } from "./a";\nfunction one(x: number) { return a(x) }');
  const plain = await codeHash(files);
  expect(
    await codeHash({
      ...files,
      'a.ts':
        'export const a = (x: number) => x + 1; export const a2 = 3; sideNote(); function sideNote() { const local = 1; }',
    }),
  ).not.toBe(plain);
  expect(
    await codeHash({
      ...files,
      'a.ts': 'export const a2 = 3; export class Unused {} export const a = (x: number) => x + 1;',
    }),
  ).toBe(plain);
  expect(
    await codeHash({ ...files, 'a.ts': 'export const a = (x: number) => x + 2; export const a2 = 2;' }),
  ).not.toBe(plain);
});

test('a step has the same hash alone and among others', async () => {
  const project = await ScratchProject.create({
    'helper.ts': 'export const value = 1; export const helper = (x: number) => x + value;',
    'lazy.ts': 'export const lazy = 1;',
    'pipeline.ts': `import { PipelineController } from 'run-pipeline';
import { helper } from './helper';
const value = 2;
async function one(x: number) { return helper(x) + value + (await import('./lazy')).lazy }
async function two(x: number) { return helper(x) + (await import('./lazy')).lazy }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
pipe.addFunctionStep({ name: 'two', function: two });
pipe.addFunctionStep({ name: 'three', function: (x: number) => x + 1 });
pipe.addFunctionStep({ name: 'four', function: (x: number) => x + 1 });
`,
  });
  const names = ['two', 'three', 'four', 'one'];
  const requests = await Promise.all(names.map((name) => project.functionStep(name)));
  const together = await project.package(requests);
  expect(together.diagnostics).toEqual([]);
  for (const request of requests) {
    // With an asset the request is another one: the memo does not know it.
    const alone = await project.package([{ ...request, assets: ['./lazy.ts'] }]);
    expect(alone.packages.get(request.key)!.manifest.codeHash).toBe(
      together.packages.get(request.key)!.manifest.codeHash,
    );
  }
  // Equal functions at two places have equal code, each with the way back to its own place.
  const [three, four] = [together.packages.get('three')!, together.packages.get('four')!];
  expect(three.manifest.codeHash).toBe(four.manifest.codeHash);
  expect([three.manifest.source.line, four.manifest.source.line]).toEqual([9, 10]);
  expect(three.hash).not.toBe(four.hash);
  await project.remove();
});
