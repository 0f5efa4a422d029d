import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { createMapToSource } from './map-to-source.js';
import { scratchDirectory } from './scratch-project.test-support.js';

const SOURCE = 'interface A {\n  a: 1;\n}\n\nexport const value = fail();\n';
/** `fail` in what esbuild makes of it, and in the source. */
const EXECUTED = { line: 1, column: 22 };
const ORIGINAL = { line: 5, column: 22 };

function compiled(directory: string): { readonly code: string; readonly map: string } {
  writeFileSync(join(directory, 'a b.ts'), SOURCE);
  return transformSync(SOURCE, { loader: 'ts', sourcemap: 'external', sourcefile: 'a b.ts' });
}

test('a map in a file beside, named by a comment', () => {
  const directory = scratchDirectory();
  const { code, map } = compiled(directory);
  writeFileSync(join(directory, 'out.js'), `${code}//# sourceMappingURL=out%20put.js.map\n`);
  writeFileSync(join(directory, 'out put.js.map'), map);
  const mapped = createMapToSource()({ file: join(directory, 'out.js'), ...EXECUTED });
  expect(mapped).toEqual({ file: join(directory, 'a b.ts'), ...ORIGINAL });
});

test.each([
  [
    'base64',
    (map: string) => `data:application/json;charset=utf-8;base64,${Buffer.from(map).toString('base64')}`,
  ],
  [
    'percent-encoded',
    (map: string) => `data:application/json,${encodeURIComponent(map).replaceAll("'", '%27')}`,
  ],
])('a map inside the file, %s; the file as a URL with a query', (_, encode) => {
  const directory = scratchDirectory();
  const { code, map } = compiled(directory);
  writeFileSync(join(directory, 'out.mjs'), `${code}//# sourceMappingURL=${encode(map)}`);
  const mapped = createMapToSource()({ file: `file://${directory}/out.mjs?run=2`, ...EXECUTED });
  expect(mapped).toEqual({ file: join(directory, 'a b.ts'), ...ORIGINAL });
});

test('a rebuilt file is mapped by its new map', () => {
  const directory = scratchDirectory();
  const map = createMapToSource();
  const file = join(directory, 'out.js');
  writeFileSync(file, 'fail();\n');
  expect(map({ file, ...EXECUTED })).toEqual({ file, ...EXECUTED });
  const built = compiled(directory);
  writeFileSync(file, `${built.code}//# sourceMappingURL=out.js.map\n`);
  writeFileSync(`${file}.map`, built.map);
  expect(map({ file, ...EXECUTED })).toMatchObject(ORIGINAL);
});

test.each([
  ['a missing map', '//# sourceMappingURL=none.map'],
  ['a damaged map', '//# sourceMappingURL=data:application/json,%7Bnot'],
  ['a map elsewhere', '//# sourceMappingURL=https://example.com/x.map'],
  ['no map', ''],
])('with %s the executed place is the place', (_, comment) => {
  const file = join(scratchDirectory(), 'out.js');
  writeFileSync(file, `fail();\n${comment}\n`);
  expect(createMapToSource()({ file: `file://${file}`, line: 1, column: 1 })).toEqual({
    file,
    line: 1,
    column: 1,
  });
});

test('a file that is not there is its own place', () => {
  expect(createMapToSource()({ file: '/not/there.js', line: 1, column: 1 })).toEqual({
    file: '/not/there.js',
    line: 1,
    column: 1,
  });
});
