import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { query, runPipeline, watchRun } from '../rig/command.js';

const PIPELINE = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'p', cache: true })
export class P {
  @Step() large(): string { return 'x'.repeat(40_000); }
  @Step({ inputs: ['$<large.result>'] }) size(text: string): number { return text.length; }
}
`;

test('the config file says where artifacts are kept, and workers find them there', async () => {
  const project = scratch({
    'pipe.ts': PIPELINE,
    'run-pipeline.config.ts': `import { defineConfig } from 'run-pipeline';\nexport default defineConfig({ blobs: 'kept/blobs' });\n`,
  });
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts'], options);
  expect([run.stderr.includes('✖'), run.by]).toEqual([false, { completed: ['large', 'size'] }]);
  expect(await query(['get', 'latest', 'size'], options)).toBe(40_000);
  const { hash } = run.ends['large']!.artifacts[0]!;
  const hex = hash.slice('sha256:'.length);
  expect(existsSync(project.path('kept/blobs', hex.slice(0, 2), hex))).toBe(true);
});

test('questions find the store where the config file says it is', async () => {
  const project = scratch({
    'pipe.ts': PIPELINE,
    'run-pipeline.config.ts': `export default { store: 'kept/runs.db' };\n`,
  });
  project.write({ 'kept/.keep': '' });
  const options = { cwd: project.directory };
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ completed: ['large', 'size'] });
  expect(await query(['runs'], options)).toHaveLength(1);
  expect(existsSync(project.path('.run-pipeline/state.db'))).toBe(false);
});

test('a password is in no error, as text and as JSON, with --trace too', async () => {
  const project = scratch({
    'pipe.ts': PIPELINE,
    'run-pipeline.config.ts': `export default { store: 'postgres://app:hidden@db.local/runs' };\n`,
  });
  const options = { cwd: project.directory };
  for (const words of [
    ['runs', '--json'],
    ['pipe.ts', '--trace'],
    ['show', 'latest', '--trace'],
    ['doctor', '--json'],
  ]) {
    const { code, stdout, stderr } = await runPipeline(words, options);
    expect([words, code]).toEqual([words, words[0] === 'doctor' ? 4 : 2]);
    expect(stdout + stderr).toContain('postgres://app:***@db.local/runs');
    expect(stdout + stderr).not.toContain('hidden');
  }
});

test('a setting without a driver, and one that does not exist, are errors before anything runs', async () => {
  const project = scratch({ 'pipe.ts': PIPELINE });
  const remote = await runPipeline(['pipe.ts'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_STORE: 'mysql://127.0.0.1/runs' },
  });
  expect([remote.code, remote.stderr]).toEqual([2, expect.stringContaining('no driver')]);
  project.write({ 'run-pipeline.config.ts': 'export default { concurency: 2 };\n' });
  const typo = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('did you mean "concurrency"')]);
});
