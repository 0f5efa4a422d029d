import { expect, test } from 'vitest';
import { npmPackage, scratch } from '../../rig/scratch.js';
import { draft } from '../../rig/templates.js';
import { watchRun } from '../../rig/warm.js';

const outer = (version: string) =>
  npmPackage(
    'outer',
    version,
    { 'index.js': "export { depth as outer } from 'inner';\n" },
    {
      type: 'module',
      exports: './index.js',
      dependencies: { inner: '*' },
    },
  );
const inner = (version: string, depth: number) =>
  npmPackage(
    'inner',
    version,
    { 'index.js': `export const depth = ${depth};\n` },
    { type: 'module', exports: './index.js' },
  );

const FILES = {
  ...outer('1.0.0'),
  ...inner('1.0.0', 1),
  'data.ts': `import { currentTask } from 'run-pipeline';
import { outer } from 'outer';
await currentTask().uploadArtifact('depth', outer);
`,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'npm', project: 'examples' });
pipe.addStep({ name: 'data', baseTaskName: 'step 1', cacheExecutedStep: true });
await pipe.start();
`,
};

test('a step from a task runs with the npm packages that its task was made with, or not at all', async () => {
  const project = scratch(FILES);
  await draft(project, { file: 'data.ts', name: 'step 1' });
  // A registry that nobody answers for.
  const env = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' };
  const options = { cwd: project.directory, env };
  const run = await watchRun(['pipe.ts'], options);
  expect(run.ends['data']).toMatchObject({ status: 'completed', artifacts: [{ preview: '1' }] });

  // A dependency of its dependency is another one now, and no registry has the old one.
  project.write(inner('1.0.1', 2));
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['data'] });
  const refreshed = await watchRun(['pipe.ts', '--refresh'], options);
  expect(refreshed).toMatchObject({ code: 1, by: { failed: ['data'] } });
  expect(refreshed.ends['data']!.error).toMatchObject({ code: 'environment-install' });

  // Made anew it has what is installed.
  await draft(project, { file: 'data.ts', name: 'step 1' });
  const anew = await watchRun(['pipe.ts'], options);
  expect(anew.ends['data']).toMatchObject({ status: 'completed', artifacts: [{ preview: '2' }] });
  expect(anew.ends['data']!.why).toContain('inner 1.0.0 -> 1.0.1 (through outer)');
});
