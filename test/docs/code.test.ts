import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { node } from '../rig/command.js';
import { repository, scratch, type Scratch } from '../rig/scratch.js';
import { blocks, pages, type Block } from './markdown.js';
import { runPipeline } from '../rig/warm.js';

const typescript = pages().flatMap((page) => blocks(page).filter((block) => block.language === 'ts'));

/** Where a block stands among the files that are compiled: `docs-guide-writing/weather.ts`. */
const folderOf = (page: string): string => page.replace(/\.md$/, '').replaceAll('/', '-');
const fileOf = (block: Block): string => block.attributes.get('file') ?? `line-${block.line}.ts`;

/** What the docstrings may leave out: the import of public names. */
const publicNames = [
  ...readFileSync(join(repository, 'docs/api/README.md'), 'utf8').matchAll(/^- \[`(\w+)`\]/gm),
].map(([, name]) => name!);

function moduleOf({ code }: Block): string {
  if (/^import\b/m.test(code)) return code;
  const used = publicNames.filter((name) => new RegExp(`(?<![\\w.'])${name}\\b(?!['.]?:)`).test(code));
  // On the first line, so that positions stay.
  return `import { ${used.join(', ')} } from 'run-pipeline'; ${code}\nexport {};\n`;
}

// Tests that run at the same time share what they register; so these projects are removed together.
const made: Scratch[] = [];
afterAll(() =>
  made.forEach(({ directory }) => rmSync(directory, { recursive: true, force: true, maxRetries: 5 })),
);

/** A project with what blocks read and import. */
function project(files: Readonly<Record<string, string>>): Scratch {
  const data = readFileSync(join(repository, 'examples/data/iris.csv'), 'utf8');
  const one = scratch({ ...files, 'data/iris.csv': data }, { keep: true });
  made.push(one);
  for (const name of ['zod', 'apache-arrow', '@types']) {
    symlinkSync(join(repository, 'node_modules', name), one.path('node_modules', name));
  }
  return one;
}

test.each([
  ['standard', false],
  ['legacy', true],
])('every block of TypeScript compiles with %s decorators', async (_name, experimentalDecorators) => {
  const { directory } = project({
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        lib: ['es2023', 'esnext.decorators', 'dom'],
        types: ['node'],
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        experimentalDecorators,
      },
      include: ['*/*.ts'],
    }),
    ...Object.fromEntries(
      typescript.map((block) => [`${folderOf(block.page)}/${fileOf(block)}`, moduleOf(block)]),
    ),
  });
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const { stdout } = await node([compiler, '-p', '.', '--pretty', 'false'], { cwd: directory });
  expect(stdout).toBe('');
});

const DECLARES = /@Pipeline\(|new PipelineController[<(]|(?<![\w.])pipeline\(/;
const runnable = typescript.filter(
  ({ code, attributes }) => DECLARES.test(code) && !attributes.has('no-run'),
);

test.concurrent.each(runnable.map((block) => [`${block.page}:${block.line}`, block] as const))(
  '%s runs',
  async (_place, block) => {
    const file = basename(fileOf(block));
    const { directory } = project({ [file]: moduleOf(block) });
    const words = (block.attributes.get('run') ?? '').split(' ').filter((word) => word !== '');
    const result = await runPipeline([file, ...words], { cwd: directory });
    expect(result, `${result.stdout}\n${result.stderr}`).toMatchObject({
      code: Number(block.attributes.get('exit') ?? 0),
    });
  },
);

test('the documentation has blocks that run', () => {
  expect(runnable.length).toBeGreaterThan(15);
});
