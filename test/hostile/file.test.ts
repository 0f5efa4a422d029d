import { expect, test } from 'vitest';
import { query, runPipeline } from '../rig/command.js';
import { scratch } from '../rig/scratch.js';

const HEAD = `import { Pipeline, PipelineController, Step } from 'run-pipeline';\n`;
const CLASS = `@Pipeline({ name: 'p' }) export class P { @Step() one() { return 1; } }\n`;

test('a file that calls process.exit(0) while it is loaded is no success', async () => {
  const project = scratch({ 'pipe.ts': `${HEAD}${CLASS}process.exit(0);\n` });
  const { code, stderr } = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect(code).toBe(3);
  expect(stderr).toContain('pipe.ts cannot be loaded: it called process.exit(0) before anything had run');
  expect(stderr).toContain('pipe.ts:3:9');
});

test('process.exit() after its own run is the file’s to call', async () => {
  const project = scratch({
    'pipe.ts': `${HEAD}const pipe = new PipelineController({ name: 'p' });
      pipe.addFunctionStep({ name: 'one', function: () => 1 });
      const run = await pipe.start();
      process.exit(run.status === 'completed' ? 0 : 9);\n`,
  });
  expect(await runPipeline(['pipe.ts'], { cwd: project.directory })).toMatchObject({ code: 0 });
});

test('a run that process.exit(0) cuts off is no success, and can be resumed', async () => {
  const project = scratch({
    'pipe.ts': `import { existsSync, writeFileSync } from 'node:fs';
      import { pipeline, step } from 'run-pipeline';
      const one = step(() => 1);
      export const p = pipeline({ name: 'p' }, async () => {
        const value = await one();
        if (!existsSync('seen')) { writeFileSync('seen', ''); process.exit(0); }
        return value;
      });\n`,
  });
  const cut = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect(cut.code).toBe(1);
  expect(cut.stderr).toContain('called process.exit(0) while the run went on');
  const resumed = await runPipeline(['resume', 'latest'], { cwd: project.directory });
  expect(resumed.code).toBe(0);
});

test('an exit handler of the file does not turn a failed run into success', async () => {
  const project = scratch({
    'pipe.ts': `${HEAD}process.on('exit', () => { process.exitCode = 0; });
      @Pipeline({ name: 'p' }) export class P { @Step() one() { throw new Error('no'); } }\n`,
  });
  expect(await runPipeline(['pipe.ts'], { cwd: project.directory })).toMatchObject({ code: 1 });
});

test('a file that replaces built-ins ends with an error, not in a loop', async () => {
  const project = scratch({
    'pipe.ts': `${HEAD}${CLASS}(globalThis as any).Map = class {}; (globalThis as any).Promise = class {};\n`,
  });
  const { code, stderr } = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect(code).not.toBe(0);
  expect(stderr.split('\n').length).toBeLessThan(20);
});

test('what the file throws later shows its place, and is the reason why the run stopped', async () => {
  const project = scratch({
    'pipe.ts': `import { pipeline, step } from 'run-pipeline';
const one = step(() => 1);
export const p = pipeline({ name: 'p' }, async () => {
  await one();
  setTimeout(() => {
    throw new Error('later \\u001b]0;evil\\u0007');
  });
  await new Promise((resolve) => setTimeout(resolve, 20_000));
});\n`,
  });
  const { code, stdout, stderr } = await runPipeline(['pipe.ts'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_GRACE_MS: '10' },
  });
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('pipe.ts:6:11');
  expect(stdout + stderr).not.toMatch(/\u001b|\u0007/);
  const [run] = await query<readonly { id: string; status: string }[]>(['runs'], { cwd: project.directory });
  expect(run?.status).toBe('aborted');
});
