import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const types = fileURLToPath(new URL('../types', import.meta.url));
const core = fileURLToPath(new URL('../../packages/core/src', import.meta.url));
const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

const STANDARDS = [
  ['standard', 'tsconfig.json'],
  ['legacy', 'tsconfig.legacy.json'],
] as const;

const temporary: string[] = [];
afterAll(() => temporary.forEach((directory) => rmSync(directory, { recursive: true })));

/** A project of its own with the settings of the type tests. */
function project(config: string, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-types-'));
  temporary.push(directory);
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  write('package.json', '{ "type": "module" }');
  write('tsconfig.json', JSON.stringify({ extends: join(types, config), include: ['*.ts'] }));
  for (const [name, text] of Object.entries(files)) write(name, text);
  return directory;
}

function compile(directory: string, config = 'tsconfig.json'): string {
  const { stdout, error } = spawnSync(
    process.execPath,
    [compiler, '-p', join(directory, config), '--pretty', 'false'],
    {
      cwd: directory,
      encoding: 'utf8',
    },
  );
  if (error !== undefined) throw error;
  return stdout;
}

test.each(STANDARDS)(
  'with %s decorators, what is right compiles and every mistake is found',
  (_name, config) => {
    expect(compile(types, config)).toBe('');
  },
);

/** The code of every `@example` in the sources of core, by a name that tells where it stands. */
function examples(): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(core, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!entry.endsWith('.ts') || entry.endsWith('.test.ts')) continue;
    const text = readFileSync(join(core, entry), 'utf8');
    for (const match of text.matchAll(/^ *\* @example\n *\* ```ts\n([^]*?)^ *\* ```$/gm)) {
      const line = text.slice(0, match.index).split('\n').length;
      found[`${entry.replaceAll(/[\\/]/g, '-').replace(/\.ts$/, '')}-${line}.ts`] =
        `${match[1]!.replaceAll(/^ *\* ?/gm, '')}\nexport {};\n`;
    }
  }
  return found;
}

test.each(STANDARDS)('with %s decorators, the examples of the docstrings compile', (_name, config) => {
  const files = examples();
  expect(Object.keys(files).length).toBeGreaterThan(8);
  expect(compile(project(config, files))).toBe('');
});

/** `file:line` to what the compiler says there. */
function messages(output: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let place = '';
  for (const line of output.split('\n')) {
    place = /^(\S+)\((\d+),\d+\): error/.exec(line)?.slice(1).join(':') ?? place;
    found.set(place, `${found.get(place) ?? ''}${line}\n`);
  }
  return found;
}

test.each(STANDARDS)('with %s decorators, a mistake reads as a sentence', (_name, config) => {
  const rejected = join(types, 'rejected');
  const checked = checkSentences(
    config,
    Object.fromEntries(
      readdirSync(rejected).map((name) => [name, readFileSync(join(rejected, name), 'utf8')]),
    ),
  );
  expect(checked).toBeGreaterThan(50);
});

test('of tasks, what is right compiles, and every mistake is found and reads as a sentence', () => {
  expect(compile(types, 'tsconfig.tasks.json')).toBe('');
  const text = readFileSync(join(types, 'tasks/rejected.ts'), 'utf8');
  expect(checkSentences('tsconfig.tasks.json', { 'rejected.ts': text })).toBeGreaterThan(15);
});

/** What the compiler says to mistakes is what stands beside them; gives how many there were. */
function checkSentences(config: string, sources: Readonly<Record<string, string>>): number {
  const unexpected = Object.entries(sources).map(([name, text]) => [
    name,
    text.replaceAll('@ts-expect-error', 'error'),
  ]);
  const said = messages(compile(project(config, Object.fromEntries(unexpected) as Record<string, string>)));
  const missing: string[] = [];
  let checked = 0;
  for (const [name, text] of Object.entries(sources)) {
    for (const [index, line] of text.split('\n').entries()) {
      const sentence = /@ts-expect-error says: (.*)$/.exec(line)?.[1];
      if (sentence === undefined) continue;
      checked += 1;
      const message = said.get(`${name}:${index + 2}`) ?? 'nothing';
      if (!message.includes(sentence))
        missing.push(`${name}:${index + 2} should say: ${sentence}\nand says: ${message}`);
    }
  }
  expect(missing).toEqual([]);
  return checked;
}

test.each(STANDARDS)('with %s decorators, a class and a chain of 100 steps are checked', (_name, config) => {
  const names = Array.from({ length: 100 }, (_, index) => index);
  const methods = names.map(
    (
      index,
    ) => `@Step({ inputs: ['$<s${Math.max(0, index - 1)}.rows>', '$<pipeline.size>'], returns: ['rows'] })
  s${index}(rows: Row[], size: number): Row[] { return rows.slice(size); }`,
  );
  const calls = names.map(
    (index) =>
      `.addFunctionStep({ name: 's${index + 1}', function: next, functionKwargs: { rows: '$<s${index}.rows>' }, functionReturn: ['rows'] })`,
  );
  const directory = project(config, {
    'long.ts': `import { Step, PipelineController } from 'run-pipeline';
interface Row { a: number }
export class Long { size = 1; ${methods.join('\n')}
  @Step({ inputs: ['$<s99.rows>'] }) last(rows: string) { return rows; }
}
const next = (rows: Row[]): Row[] => rows;
export const pipe = new PipelineController({ name: 'long' }).addParameter({ name: 'size', default: 1 })
  .addFunctionStep({ name: 's0', function: (): Row[] => [], functionReturn: ['rows'] })
  ${calls.join('\n  ')}
  .addFunctionStep({ name: 'last', function: next, functionKwargs: { rows: '$<s101.rows>' } });
`,
  });
  const output = compile(directory);
  expect(output.match(/error TS/g)).toHaveLength(2);
  expect(output).toContain('["inputs[0]: `s99.rows` gives", Row[], "and the method takes", string]');
  expect(output).toContain('rows: there is no step `s101` in this chain');
});
