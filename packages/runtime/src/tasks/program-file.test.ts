import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SourceLocation } from '@run-pipeline/core/model';
import { pathToFileURL } from 'node:url';
import { programFile } from './program-file.js';

let root = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-program-')));
  for (const name of [
    'src/main.ts',
    'dist/main.js',
    'dist/index.js',
    'lib/start.js',
    'node_modules/runner/cli.js',
  ]) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), '\n');
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): SourceLocation => ({
  file: pathToFileURL(join(root, name)).href,
  line: 3,
  column: 1,
});
/** `dist/main.js` was compiled from `src/main.ts`; its first two lines are the compiler's own. */
const toSource = ({ file, line, column }: SourceLocation): SourceLocation => {
  const path = file.replace(/^file:\/\//, '');
  return path === join(root, 'dist/main.js') && line > 2
    ? { file: join(root, 'src/main.ts'), line, column }
    : { file: path, line, column };
};
const found = (options: {
  readonly call?: string;
  readonly program?: string;
  readonly source?: string;
}): string | undefined =>
  programFile({
    call: options.call === undefined ? undefined : at(options.call),
    program: options.program === undefined ? undefined : join(root, options.program),
    source: options.source,
    toSource,
  })?.slice(root.length + 1);

test.each([
  [{ call: 'src/main.ts', program: 'src/main.ts' }, 'src/main.ts'],
  [{ call: 'dist/main.js', program: 'dist/main.js' }, 'src/main.ts'],
  // Called in a helper: the program is what `node` was started with.
  [{ call: 'lib/start.js', program: 'dist/main.js' }, 'src/main.ts'],
  [{ call: 'dist/main.js', program: 'dist/main' }, 'src/main.ts'],
  [{ call: 'lib/start.js', program: 'dist' }, 'dist/index.js'],
  // A test runner, `node -e`.
  [{ call: 'dist/main.js', program: 'node_modules/runner/cli.js' }, 'src/main.ts'],
  [{ call: 'dist/main.js' }, 'src/main.ts'],
  [{ call: 'nowhere/[eval1]' }, undefined],
  [{}, undefined],
])('%j is %s', (options, expected) => {
  expect(found(options)).toBe(expected);
});

test('source: import.meta.url decides', () => {
  const source = pathToFileURL(join(root, 'dist/main.js')).href;
  expect(found({ call: 'lib/start.js', program: 'dist/index.js', source })).toBe('src/main.ts');
  expect(found({ call: 'lib/start.js', source: 'file:///nowhere.ts' })).toBeUndefined();
});
