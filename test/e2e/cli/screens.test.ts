import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { PROGRAM, Workspace } from './rig.js';

const TALKING = `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'talking', project: 'examples' });
pipe.addFunctionStep({ name: 'talk', function: () => { console.log('\\u001b[31mred\\u001b[0m \\u001b[2Jcleared\\n::error::injected'); return 1; } });
pipe.addFunctionStep({ name: 'fail', function: () => { throw new Error('50% of it\\nis wrong'); }, parents: ['talk'] });
`;

/** util-linux's script(1) gives a program a terminal of its own. */
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

test.skipIf(!hasScript)('on a terminal the footer comes and goes, and the cursor is there at the end', () => {
  // Long enough for several frames: a run that ends within one never shows a footer.
  const slow = TALKING.replace('return 1;', 'return new Promise((done) => setTimeout(done, 600, 1));');
  const workspace = new Workspace({ 'pipe.ts': slow });
  const { CI: _ci, GITHUB_ACTIONS: _github, NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  const { stdout } = spawnSync(
    'script',
    ['-qec', `stty cols 80 rows 24; '${process.execPath}' '${PROGRAM}' pipe.ts`, '/dev/null'],
    {
      cwd: workspace.directory,
      env: { ...env, TERM: 'xterm' },
      encoding: 'utf8',
    },
  );
  expect(stdout).toContain('\u001b[?2026h');
  expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
  expect(stdout).toContain('\u001b[31mred\u001b[0m cleared');
  expect(stdout).not.toContain('\u001b[2J');
  expect(stdout).not.toContain('\u001b[?1049h');
  // eslint-disable-next-line no-control-regex
  expect(stdout.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')).toMatch(/✖ talking #1 failed/);
});

test('without a terminal there is no escape, also from the steps', async () => {
  const workspace = new Workspace({ 'pipe.ts': TALKING });
  const { stdout, stderr, code } = await workspace.run(['pipe.ts']);
  expect(code).toBe(1);
  // eslint-disable-next-line no-control-regex
  expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  expect(stdout).toContain('talk │ red cleared\n');
});

test('FORCE_COLOR colours a pipe, NO_COLOR a terminal not', async () => {
  const workspace = new Workspace({ 'pipe.ts': TALKING });
  const { stdout } = await workspace.run(['pipe.ts'], { env: { FORCE_COLOR: '1' } });
  expect(stdout).toContain('\u001b[31mred');
  expect(stdout).not.toContain('\u001b[?25l');
});

test('on GitHub a failure is an annotation at its line, and a step cannot inject one', async () => {
  const workspace = new Workspace({ 'pipe.ts': TALKING });
  const { stdout } = await workspace.run(['pipe.ts'], {
    env: { GITHUB_ACTIONS: 'true', CI: 'true', GITHUB_WORKSPACE: workspace.directory },
  });
  expect(stdout).toContain('::group::talk\ntalk │ red cleared\ntalk │ ::error::injected\n::endgroup::\n');
  expect(stdout.match(/^::error /gm)).toHaveLength(1);
  expect(stdout).toMatch(
    /^::error file=pipe\.ts,line=5,col=\d+,title=fail failed::Error: 50%25 of it%0Ais wrong$/m,
  );
});

test('an error of the program itself has its stack only with --trace', async () => {
  const workspace = new Workspace({ 'pipe.ts': `throw new TypeError('at the top level');\n` });
  const plain = await workspace.run(['pipe.ts']);
  expect(plain.code).toBe(3);
  expect(plain.stderr).toContain('at the top level');
  expect(plain.stderr).toContain('pipe.ts:1:');
  expect(plain.stderr).not.toMatch(/^\s+at .*node_modules|^\s+at .*dist/m);
  expect((await workspace.run(['pipe.ts', '--trace'])).stderr).toMatch(/^\s+at /m);
});

test.runIf(process.platform === 'linux')(
  'a home that cannot be made is one clear message, exit code 4',
  async () => {
    const workspace = new Workspace({ 'pipe.ts': TALKING });
    // Not even root can write there.
    const { code, stdout, stderr } = await workspace.run(['pipe.ts'], {
      env: { RUN_PIPELINE_HOME: '/proc/run-pipeline' },
    });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/cannot be kept in \/proc\/run-pipeline/);
    expect(stderr).toContain('RUN_PIPELINE_HOME');
  },
);

test('a home that is a file is one clear message, exit code 4', async () => {
  const workspace = new Workspace({ 'pipe.ts': TALKING, home: 'a file' });
  const { code, stderr } = await workspace.run(['pipe.ts'], { env: { RUN_PIPELINE_HOME: 'home' } });
  expect(code).toBe(4);
  expect(stderr).toMatch(/a file is in the way/);
  expect((await workspace.run(['doctor'], { env: { RUN_PIPELINE_HOME: 'home' } })).code).toBe(4);
});
