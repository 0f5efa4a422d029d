import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ScratchProject } from '../scratch-project.test-support.js';

const TSC = fileURLToPath(new URL('../../../../../node_modules/typescript/bin/tsc', import.meta.url));

const SOURCE = `import { Parameter, Pipeline, Step, PipelineController, step, pipeline } from 'run-pipeline';
import { helper } from './helper.js';
import dep from 'dep';
import * as path from 'node:path';
export { helper as renamed } from './helper.js';
export * from './helper.js';
function twice(...a: any[]): any {
  if (typeof a[1] === 'object') return function (this: any, ...args: any[]) { return a[0].apply(this, args).then((x: number) => x * 2); };
  const original = a[2].value;
  a[2].value = function (this: any, ...args: any[]) { return original.apply(this, args).then((x: number) => x * 2); };
}
class Base { offset = 100; unread() { return 'UNREAD'; } }
@Pipeline({ name: 'p' })
export class P extends Base {
  static rate = 1;
  @Parameter() base = 3;
  @Parameter() other?: string;
  derived = this.base * 2;
  @Step({ inputs: [1] }) @twice async step_one(x: number) { return helper(x) + this.derived + this.offset + P.rate; }
  @Step() step_two() { return 'TWO'; }
}
export const K = 5;
export const add = (x: number) => x + K;
export function one(x: number) { return add(x) + helper(x) + dep.v + path.sep.length; }
export const pipe = new PipelineController({ name: 'x' } as any);
pipe.addFunctionStep({ name: 'one', function: one } as any);
export const train = step({ returns: ['a'] } as any, async (x: number) => add(x) + helper(x) + 1);
export const wrong = step(async (x: number) => train(x));
export const all = pipeline({ name: 'q' } as any, async () => { await train(1); });
`;

/** What tsc makes of it; the sources are gone. */
async function compiled(module: 'esnext' | 'commonjs', legacy: boolean): Promise<ScratchProject> {
  const project = await ScratchProject.create({
    'package.json': JSON.stringify({ name: 'x', type: module === 'commonjs' ? 'commonjs' : 'module' }),
    'pipeline.ts': SOURCE,
    'helper.ts': `export const helper = (x: number) => x + 1; export function unused() { return 'UNUSED'; }`,
    'node_modules/dep/package.json': '{"name":"dep","version":"1.0.0","main":"i.js"}',
    'node_modules/dep/i.js': 'module.exports = { v: 1000 }; module.exports.default = module.exports;',
  });
  const args = [
    '--target',
    'es2022',
    '--module',
    module,
    '--moduleResolution',
    'bundler',
    '--esModuleInterop',
    'true',
  ];
  const mode = ['--experimentalDecorators', String(legacy), '--emitDecoratorMetadata', String(legacy)];
  const files = [project.path('pipeline.ts'), project.path('helper.ts')];
  await promisify(execFile)(
    process.execPath,
    [TSC, ...args, ...mode, '--noCheck', '--ignoreConfig', ...files],
    {
      cwd: project.paths.root,
    },
  ).catch((error: { stdout: string }) => {
    if (/error TS(?!2307|7016|18028)/.test(error.stdout)) throw new Error(error.stdout);
  });
  await Promise.all(files.map((file) => rm(file)));
  return project;
}

test.each([
  ['ES modules, standard decorators', 'esnext', false],
  ['ES modules, legacy decorators', 'esnext', true],
  ['CommonJS, standard decorators', 'commonjs', false],
  ['CommonJS, legacy decorators', 'commonjs', true],
] as const)(
  'JavaScript that tsc made is sliced as its source would be: %s',
  async (_what, module, legacy) => {
    const project = await compiled(module, legacy);
    const file = 'pipeline.js';
    const callOf = (name: string): string =>
      module === 'commonjs' ? `exports.${name} = (0,` : `const ${name} = `;
    const result = await project.package([
      project.methodStep('P', 'step_one', { file }),
      await project.functionStep('one', { file }),
      await project.functionStep('train', { file, call: `${callOf('train')}`, writing: 'function' }),
      await project.functionStep('wrong', { file, call: `${callOf('wrong')}`, writing: 'function' }),
    ]);
    // The steps of the three writings stand in one file here: what they have in common is not the point.
    const errors = result.diagnostics.filter((each) => each.severity === 'error');
    expect(
      errors.map((each) => [each.code, each.at?.file, each.code === 'syntax' ? each.message : '']),
    ).toEqual([['calls-step', project.path(file), '']]);
    const method = result.packages.get('step_one')!;
    expect(method.manifest.reads).toEqual(['base']);
    expect(await project.code(method)).not.toMatch(/TWO|UNREAD|UNUSED|Pipeline|esDecorate/);
    expect(await project.run(method)).toBe((2 + 6 + 100 + 1) * 2);
    expect(await project.run(method, [1], { base: 10 })).toBe((2 + 20 + 100 + 1) * 2);
    const one = result.packages.get('one')!;
    expect(one.manifest.dependencies).toEqual({ dep: '1.0.0' });
    expect(await project.code(one)).not.toMatch(/TWO|UNUSED|Pipeline/);
    expect(await project.run(one)).toBe(6 + 2 + 1000 + 1);
    expect(await project.run(result.packages.get('train')!)).toBe(6 + 2 + 1);
    await project.remove();
  },
);

test('JavaScript with a source map whose TypeScript exists is sliced from that', async () => {
  const project = await ScratchProject.create({
    'src/pipeline.ts': `import { Step } from 'run-pipeline';\nexport class P {\n  @Step() one(x: number) { return x + 1 }\n}\n`,
    'dist/pipeline.js': `class P { one(x) { return x + 'STALE' } }\n//# sourceMappingURL=pipeline.js.map\n`,
    'dist/pipeline.js.map': '{"version":3,"sources":["../src/pipeline.ts"],"mappings":"AAAA"}',
  });
  const result = await project.package([project.methodStep('P', 'one', { file: 'dist/pipeline.js' })]);
  expect(result.diagnostics).toEqual([]);
  expect(result.packages.get('one')!.manifest.source).toEqual({
    file: 'src/pipeline.ts',
    line: 3,
    endLine: 3,
  });
  expect(await project.run(result.packages.get('one')!)).toBe(2);
  await project.remove();
});

test('decorators compiled in a shape that cannot be taken apart are an error', async () => {
  const project = await ScratchProject.create({
    'pipeline.js': `var _init; _init = __decoratorStart(null); class P { one() {} } __decorateElement(_init, 1, 'one', [], P);`,
  });
  const result = await project.package([project.methodStep('P', 'one', { file: 'pipeline.js' })]);
  expect(result.diagnostics.map((each) => [each.code, each.help?.includes('source maps')])).toEqual([
    ['compiled-decorators', true],
  ]);
  await project.remove();
});
