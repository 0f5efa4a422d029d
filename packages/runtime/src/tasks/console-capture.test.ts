import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'run-pipeline-capture-'));
  buildSync({
    entryPoints: [fileURLToPath(new URL('./console-capture.ts', import.meta.url))],
    outfile: join(directory, 'capture.mjs'),
    format: 'esm',
    platform: 'node',
    bundle: true,
  });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What code prints that is captured, and what was heard of it. */
function run(code: string): { readonly stdout: string; readonly stderr: string; readonly heard: unknown } {
  const file = join(directory, 'program.mjs');
  writeFileSync(
    file,
    `import { captureConsole } from ${JSON.stringify(pathToFileURL(join(directory, 'capture.mjs')).href)};
import { writeFileSync } from 'node:fs';
const heard = [];
const capture = captureConsole((stream, text) => heard.push([stream, text]));
${code}
writeFileSync(${JSON.stringify(join(directory, 'heard.json'))}, JSON.stringify(heard));
`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  const read = spawnSync('cat', [join(directory, 'heard.json')], { encoding: 'utf8' });
  return { stdout, stderr, heard: JSON.parse(read.stdout) as unknown };
}

test('both streams are heard, and printed as they were', () => {
  expect(run(`console.log('a'); console.error('b'); process.stdout.write('c');`)).toEqual({
    stdout: 'a\nc',
    stderr: 'b\n',
    heard: [
      ['stdout', 'a\n'],
      ['stderr', 'b\n'],
      ['stdout', 'c'],
    ],
  });
});

test('a character that is cut is heard whole; what is left of one is heard at the end', () => {
  const { heard } = run(`
    const euro = Buffer.from('€');
    process.stdout.write(euro.subarray(0, 1));
    process.stdout.write(euro.subarray(1));
    process.stdout.write(euro.subarray(0, 2));
    capture.end();
    console.log('not heard');
  `);
  expect(heard).toEqual([
    ['stdout', '€'],
    ['stdout', '\ufffd'],
  ]);
});

test('what is said past it is printed and not heard', () => {
  expect(run(`capture.say('for the user\\n');`)).toEqual({ stdout: '', stderr: 'for the user\n', heard: [] });
});

test('a wrapper that came later is left in place', () => {
  const { stdout, heard } = run(`
    const write = process.stdout.write;
    process.stdout.write = function (text, ...rest) { return write.call(this, '[' + text + ']', ...rest); };
    process.stdout.write('a');
    capture.end();
    process.stdout.write('b');
  `);
  expect(stdout).toBe('[a][b]');
  expect(heard).toEqual([
    ['stdout', '[a]'],
    ['stdout', '[b]'],
  ]);
});

test('a wrong argument throws as it would', () => {
  const { heard } = run(`
    let code;
    try { process.stdout.write(7); } catch (error) { code = error.code; }
    process.stdout.write(code);
  `);
  expect(heard).toEqual([['stdout', 'ERR_INVALID_ARG_TYPE']]);
});
