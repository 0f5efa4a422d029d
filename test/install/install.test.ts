import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../mutation/project-directory.js';
import { Installed } from './installed.js';

// One installation for all: what differs are the projects below it.
let installed: Installed;
beforeAll(async () => {
  installed = await Installed.create();
}, 180_000);
afterAll(() => installed.remove());

/** The README's first example. */
function firstExample(): string {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const [, code] = /```ts[^\n]*\n([\s\S]*?)```/.exec(readme) ?? [];
  if (code === undefined) throw new Error('the README has no example');
  return code;
}

/** The same as a program of its own. */
function program(): string {
  return `${firstExample().replace('import {', 'import { run,')}
void (async () => {
  const result = await run(Scores, { output: 'quiet' });
  const kept = await result.get('clean.kept');
  console.log(JSON.stringify({ status: result.status, kept, mean: await result.get('mean') }));
})();
`;
}
const RESULT = { status: 'completed', kept: [3, 5, 8, 13], mean: 7.25 };

interface Project {
  readonly type: 'module' | 'commonjs';
  readonly legacy: boolean;
  readonly module?: 'nodenext' | 'node16' | 'bundler' | 'commonjs';
}

/** Writes a project; the answer is its directory. */
function project(options: Project & { readonly code: string }): string {
  const { type, legacy, module = 'nodenext', code } = options;
  const directory = `${type}-${legacy ? 'legacy' : 'standard'}-${module}`;
  const resolution = module === 'commonjs' ? 'bundler' : module;
  installed.write({
    [`${directory}/package.json`]: JSON.stringify({ name: 'app', version: '1.0.0', private: true, type }),
    [`${directory}/tsconfig.json`]: JSON.stringify({
      compilerOptions: {
        module: module === 'bundler' ? 'esnext' : module,
        moduleResolution: resolution,
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        experimentalDecorators: legacy,
        types: ['node'],
        rootDir: 'src',
        outDir: 'dist',
      },
      include: ['src'],
    }),
    [`${directory}/src/scores.ts`]: code,
  });
  return directory;
}

const lastLine = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

const PROJECTS = (['module', 'commonjs'] as const).flatMap((type) =>
  [true, false].map((legacy): Project => ({ type, legacy })),
);

describe.each(PROJECTS)('in a project of type $type, legacy decorators $legacy', (kind) => {
  test("the README's first example runs, and the second time from its cache", async () => {
    const directory = project({ ...kind, code: firstExample() });
    const first = await installed.runPipeline(directory, ['src/scores.ts']);
    expect(first).toMatchObject({ code: 0 });
    const again = await installed.runPipeline(directory, ['src/scores.ts', '--json']);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout.match(/"status":"cached"/g)).toHaveLength(3);
    const mean = await installed.runPipeline(directory, ['get', 'latest', 'mean']);
    expect(mean.stdout.trim()).toBe('7.25');
  });
});

// Every value of both; what decorators become has nothing to do with what imports become.
describe.each(PROJECTS.filter(({ type, legacy }) => legacy === (type === 'commonjs')))(
  'as a program in a project of type $type, legacy decorators $legacy',
  (kind) => {
    test('a program that tsc compiled gives the same', async () => {
      const directory = project({ ...kind, code: program() });
      expect(await installed.tsc(directory)).toMatchObject({ code: 0, stdout: '' });
      const ended = await installed.node(directory, ['dist/scores.js']);
      expect(ended).toMatchObject({ code: 0 });
      expect(lastLine(ended.stdout)).toEqual(RESULT);
    });

    test('a program under tsx gives the same', async () => {
      const directory = project({ ...kind, code: program() });
      const ended = await installed.tsx(directory, 'src/scores.ts');
      expect(ended).toMatchObject({ code: 0 });
      expect(lastLine(ended.stdout)).toEqual(RESULT);
    });
  },
);

test('CommonJS can require it', async () => {
  installed.write({
    'require/package.json': '{ "name": "app", "version": "1.0.0" }',
    'require/main.js': `const { PipelineController, run } = require('run-pipeline');
const pipe = new PipelineController({ name: 'required', project: 'app', version: '1.0.0' });
function double({ value }) { return value * 2; }
pipe.addFunctionStep({ name: 'double', function: double, functionKwargs: { value: 21 } });
run(pipe, { output: 'quiet' }).then(async (result) => console.log(JSON.stringify(await result.get('double'))));
`,
  });
  const ended = await installed.node('require', ['main.js']);
  expect(ended).toMatchObject({ code: 0 });
  expect(lastLine(ended.stdout)).toBe(42);
});

// Programs of both types are compiled with nodenext above.
test.each([
  { module: 'nodenext', type: 'module' },
  { module: 'node16', type: 'commonjs' },
  { module: 'bundler', type: 'module' },
  { module: 'commonjs', type: 'commonjs' },
] as const)('its types resolve with module $module in a project of type $type', async ({ module, type }) => {
  const wrong = `// @ts-expect-error the reference is wrong, and only typed references know
const controller = new PipelineController({ name: 1, project: 'p', version: '1' });\n`;
  const code = program().replace('import { run,', 'import { PipelineController, run,') + wrong;
  const directory = project({ type, legacy: false, module, code });
  expect(await installed.tsc(directory, ['--noEmit'])).toMatchObject({ code: 0, stdout: '' });
});

test('the packages hold what they need and nothing else', () => {
  for (const [name, files] of installed.contents) {
    expect(files, name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
    const odd = files.filter(
      (file) =>
        !/^(?:LICENSE|README\.md|package\.json|bin\/[\w-]+\.js|dist\/.*\.js|dist\/types.*|dist\/page\/(?:index\.html|report\.html|assets\/[\w.-]+\.(?:css|svg)))$/.test(
          file,
        ),
    );
    expect(odd, name).toEqual([]);
    for (const page of ['dist/page/index.html', 'dist/page/report.html'])
      expect(files.includes(page), page).toBe(name === 'run-pipeline');
    expect(files.filter((file) => /test|fixture|\.map$|tsbuildinfo/.test(file))).toEqual([]);
  }
});

test.each(['run-pipeline', '@run-pipeline/core'])('publint finds nothing in %s', async (name) => {
  const { messages } = await publint({ pkgDir: join(installed.path, 'node_modules', name), pack: false });
  expect(messages).toEqual([]);
});
