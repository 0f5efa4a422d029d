import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { runPipeline } from '../rig/command.js';

test('assets that loop, lie outside or are too large are named, with what to do', async () => {
  const project = scratch({
    'pipe.ts': `import { PipelineController } from 'run-pipeline';
      export const pipe = new PipelineController({ name: 'p' });
      pipe.addFunctionStep({ name: 'one', function: () => 1, assets: ['loop', '/etc/hosts', 'large'] });\n`,
  });
  symlinkSync('loop', project.path('loop'));
  writeFileSync(project.path('large'), '');
  truncateSync(project.path('large'), 5 * 2 ** 30);
  const { code, stderr } = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect(code).toBe(3);
  expect(stderr).toContain('asset-unreadable');
  expect(stderr).toContain('asset-outside');
  expect(stderr).toContain('asset-too-large');
});

test('names that control a terminal do so nowhere, and a value that cannot be written says why', async () => {
  const project = scratch({
    'pipe.ts': `import { PipelineController } from 'run-pipeline';
      export const pipe = new PipelineController({ name: '\\u001b]0;evil\\u0007../..', project: 'a\\u009b2J' });
      pipe.addFunctionStep({ name: '__proto__', function: () => 1, functionReturn: ['constructor'] });\n`,
  });
  const cwd = { cwd: project.directory };
  let shown = '';
  for (const words of [['pipe.ts'], ['show', 'latest'], ['graph', 'pipe.ts', '--format', 'dot']]) {
    const { code, stdout, stderr } = await runPipeline(words, cwd);
    expect(code).toBe(0);
    shown += stdout + stderr;
  }
  expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  const value = await runPipeline(['get', 'latest', '__proto__.constructor', '--json'], cwd);
  expect(value.stdout).toBe('1\n');
  const lost = await runPipeline(['get', 'latest', '__proto__.constructor', '-o', 'no/where'], cwd);
  expect(lost.code).toBe(4);
  expect(lost.stderr).toContain('no/where cannot be written');
  expect(lost.stderr).toContain('make its directory first');
});
