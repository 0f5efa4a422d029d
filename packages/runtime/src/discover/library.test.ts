import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { scratchDirectory } from './scratch-project.test-support.js';

// Real programs, compiled and started the ways users do; a preloaded host stands for the runtime and
// prints what it learns of the pipelines that the program runs.

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const tsc = join(repository, 'node_modules/typescript/bin/tsc');
const resolveHere = createRequire(import.meta.url).resolve;
const execute = promisify(execFile);

const PROGRAM = `import { Parameter, Pipeline, PipelineController, Step, pipeline, run, step } from 'run-pipeline';

interface Unused {
  a: number;
}

@Pipeline({ name: 'iris' })
export class Iris {
  @Parameter({ description: 'where' })
  data = 'a.csv';

  @Step({ returns: ['rows'] })
  load(): number[] {
    return [1];
  }
}

export const train = step({ cache: true }, async () => 1);
const hidden = step(() => 1);
export const scoring = pipeline({ name: 'scoring' }, async () => [train, hidden]);
export const controller = new PipelineController({ name: 'demo', project: 'x' });
controller.addFunctionStep({ name: 'one', function: () => 1 });

async function main(): Promise<void> {
  for (const subject of [Iris, scoring, controller]) await run(subject as never);
}
void main();
`;

const EXPECTED = {
  iris: ['src/pipe.ts:7:2', 'load src/pipe.ts:12:4'],
  scoring: ['src/pipe.ts:20:24'],
  demo: ['src/pipe.ts:21:27', 'one src/pipe.ts:22:12'],
  steps: ['train src/pipe.ts:18:22', 'hidden src/pipe.ts:19:16'],
};

const HOST = `import { relative } from 'node:path';
import { ProgramPipelines, registry, setRunHost } from 'under-test';
const programs = new ProgramPipelines();
const show = (at) => at && \`\${relative(process.cwd(), at.file)}:\${at.line}:\${at.column}\`;
const said = {};
setRunHost({
  async run(subject, options) {
    const { definition, file, isProgram } = programs.describe({ subject, source: options.source });
    said[definition.name] = [show(definition.source), ...definition.steps.map((step) => step.name + ' ' + show(step.source))];
    said.files = [...new Set([...(said.files ?? []), relative(process.cwd(), file), ...definition.steps.map(({ code }) => relative(process.cwd(), code.file))])];
    said.isProgram = isProgram;
  },
});
process.on('exit', () => {
  said.steps = [...registry().steps.values()].map((step) => step.name + ' ' + show(step.source));
  console.log(JSON.stringify(said));
});
`;

let project = '';

beforeAll(async () => {
  project = scratchDirectory();
  const modules = join(project, 'node_modules');
  const core = join(repository, 'packages/core/src/index.ts');
  for (const [format, extension] of [
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ] as const) {
    await build({
      entryPoints: [core],
      bundle: true,
      format,
      platform: 'node',
      outfile: join(modules, `run-pipeline/index.${extension}`),
      logLevel: 'error',
    });
  }
  write(
    'node_modules/run-pipeline/package.json',
    '{"name":"run-pipeline","version":"0.0.0","exports":{"import":"./index.mjs","require":"./index.cjs"}}',
  );
  await build({
    stdin: {
      contents:
        "export * from './library.ts'; export { registry, setRunHost } from '@run-pipeline/core/define';",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: join(modules, 'under-test/index.mjs'),
    alias: Object.fromEntries(
      ['define', 'model'].map((room) => [
        `@run-pipeline/core/${room}`,
        join(repository, `packages/core/src/${room}/index.ts`),
      ]),
    ),
    logLevel: 'error',
  });
  write('node_modules/under-test/package.json', '{"name":"under-test","exports":"./index.mjs"}');
  for (const name of ['trace-mapping', 'resolve-uri', 'sourcemap-codec']) {
    const from = dirname(
      createRequire(resolveHere('@jridgewell/trace-mapping')).resolve(`@jridgewell/${name}/package.json`),
    );
    mkdirSync(join(modules, '@jridgewell'), { recursive: true });
    symlinkSync(from, join(modules, '@jridgewell', name));
  }
  write('package.json', '{"name":"program","type":"module"}');
  write('src/pipe.ts', PROGRAM);
  write('host.mjs', HOST);
});

function write(name: string, content: string): void {
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), content);
}

async function start(args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await execute(process.execPath, ['--import', './host.mjs', ...args], {
    cwd: project,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function compile(out: string, flags: readonly string[]): Promise<void> {
  await execute(
    process.execPath,
    [tsc, '--noCheck', '--target', 'es2022', '--outDir', out, '--rootDir', 'src', ...flags, 'src/pipe.ts'],
    { cwd: project },
  );
}

const ESM = ['--module', 'nodenext'];
const COMMON = ['--module', 'commonjs', '--moduleResolution', 'bundler'];

test.each([
  ['ESM, standard decorators', ESM, ['--sourceMap']],
  ['ESM, legacy decorators', ESM, ['--sourceMap', '--experimentalDecorators']],
  ['CommonJS, standard decorators', COMMON, ['--sourceMap']],
  ['CommonJS, legacy decorators', COMMON, ['--inlineSourceMap', '--experimentalDecorators']],
  ['a source root', ESM, ['--sourceMap', '--sourceRoot', '../../src']],
])(
  'compiled by tsc (%s) and started by node, a pipeline is found in its TypeScript',
  async (name, format, flags) => {
    const out = `out/${name.replace(/\W+/g, '-')}`;
    await compile(out, [...format, ...flags]);
    if (format === COMMON) write(`${out}/package.json`, '{"type":"commonjs"}');
    for (const file of [`${out}/pipe.js`, `${out}/pipe`].slice(0, format === COMMON ? 2 : 1)) {
      expect(await start([file])).toMatchObject({ ...EXPECTED, files: ['src/pipe.ts'], isProgram: true });
    }
  },
);

test.each([[true], [false]])(
  'compiled by esbuild (legacy decorators: %s), minified',
  async (experimentalDecorators) => {
    const outfile = join(project, `out/esbuild-${experimentalDecorators}.mjs`);
    await build({
      entryPoints: [join(project, 'src/pipe.ts')],
      outfile,
      format: 'esm',
      target: 'node20',
      minify: true,
      keepNames: true,
      sourcemap: true,
      tsconfigRaw: { compilerOptions: { experimentalDecorators } },
    });
    expect(await start([outfile])).toMatchObject({ ...EXPECTED, files: ['src/pipe.ts'], isProgram: true });
  },
);

test.each([['{}'], ['{"experimentalDecorators":true}']])(
  'started by tsx with %s',
  async (compilerOptions) => {
    write('tsconfig.json', `{"compilerOptions":${compilerOptions}}`);
    try {
      const said = await start(['--import', `file://${resolveHere('tsx')}`, 'src/pipe.ts']);
      expect(said).toMatchObject({ ...EXPECTED, files: ['src/pipe.ts'], isProgram: true });
    } finally {
      rmSync(join(project, 'tsconfig.json'));
    }
  },
);

test('with --enable-source-maps places are mapped once', async () => {
  await compile('out/enabled', [...ESM, '--sourceMap']);
  expect(await start(['--enable-source-maps', 'out/enabled/pipe.js'])).toMatchObject({
    ...EXPECTED,
    files: ['src/pipe.ts'],
  });
});

test('compiled without a source map, or deployed without its sources, the JavaScript is the source', async () => {
  await compile('out/bare', [...ESM, '--experimentalDecorators']);
  const bare = await start(['out/bare/pipe.js']);
  expect(bare).toMatchObject({ files: ['out/bare/pipe.js'], isProgram: true });
  expect((bare['steps'] as string[]).map((step) => step.split(' ')[0])).toEqual(['train', 'hidden']);

  await compile('out/deployed', [...ESM, '--sourceMap', '--sourceRoot', '/not/there']);
  expect(await start(['out/deployed/pipe.js'])).toMatchObject({
    files: ['out/deployed/pipe.js'],
    isProgram: true,
  });
});

test('plain JavaScript, imported by another program, is its own source and not the program', async () => {
  write(
    'plain.mjs',
    `import { PipelineController } from 'run-pipeline';\nexport const pipe = new PipelineController({ name: 'plain', project: 'x' });\npipe.addFunctionStep({ name: 'one', function: () => 1 });\n`,
  );
  write(
    'main.mjs',
    `import { run } from 'run-pipeline';\nimport { pipe } from './plain.mjs';\nawait run(pipe);\n`,
  );
  expect(await start(['main.mjs'])).toMatchObject({
    plain: ['plain.mjs:2:21', 'one plain.mjs:3:6'],
    files: ['plain.mjs'],
    isProgram: false,
  });
});

test('a pipeline whose file cannot be told is an error that asks for its source; the source helps', async () => {
  const declare = (source: string) =>
    `import vm from 'node:vm';
import * as rp from 'run-pipeline';
const make = vm.runInThisContext('(rp) => new rp.PipelineController({ name: "unknown", project: "x"${source} })', { filename: 'virtual:///bundle.js' });
await rp.run(make(rp)).catch((error) => { console.error(error.code + ': ' + error.help); process.exitCode = 2; });
`;
  write('virtual.mjs', declare(''));
  const failed = await start(['virtual.mjs']).then(
    () => undefined,
    (error: { stderr: string; code: number }) => error,
  );
  expect(failed?.code).toBe(2);
  expect(failed?.stderr).toMatch(/unknown-source: .*source: import\.meta\.url/);
  write('told.mjs', declare(', source: ' + JSON.stringify(`file://${join(project, 'told.mjs')}`)));
  expect(await start(['told.mjs'])).toMatchObject({ files: ['told.mjs'], isProgram: true });
});
