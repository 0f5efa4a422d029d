import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { runPipeline, watchRun } from '../rig/command.js';

const TWO = {
  'pipe.ts': `import { Pipeline, Step, currentTask } from 'run-pipeline';
    @Pipeline({ name: 'p', cache: true }) export class P {
      @Step({ returns: ['data'] }) one() { void currentTask(); return 'x'.repeat(100_000); }
      @Step({ inputs: ['$<one.data>'] }) two(data: string) { return data.length; }
    }\n`,
};

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

test.each(['', 'null', '{}', 'process.exit(0)'])(
  'caches that hold %j instead are as if there were none',
  async (content) => {
    const project = scratch(TWO);
    expect((await runPipeline(['pipe.ts'], { cwd: project.directory })).code).toBe(0);
    const damaged = filesBelow(project.path('.run-pipeline', 'cache'));
    expect(damaged.length).toBeGreaterThan(3);
    for (const file of damaged) writeFileSync(file, content);
    const again = await watchRun(['pipe.ts', '--refresh'], { cwd: project.directory });
    expect(again.stderr).not.toContain('✖');
    expect(again.by).toEqual({ completed: ['one', 'two'] });
  },
);

test('a secret is in nothing that is shown or kept, but in a value that holds it', async () => {
  const token = 'S3cr3t+/T0ken"quoted';
  const project = scratch({
    'pipe.ts': `import { currentTask, Pipeline, Step } from 'run-pipeline';
      @Pipeline({ name: 'p', cache: true }) export class P {
        @Step({ secrets: ['TOKEN'] }) prints() {
          const token = process.env.TOKEN!;
          process.stdout.write(token.slice(0, 5));
          process.stdout.write(token.slice(5) + '\\n');
          console.error(Buffer.from(token).toString('base64'), encodeURIComponent(token), JSON.stringify(token));
          currentTask().logger.reportText('with ' + token);
          return token.length;
        }
        @Step({ secrets: ['TOKEN'] }) throws() {
          const token = process.env.TOKEN!;
          const error = new Error('no entry with ' + token, { cause: new Error(token) });
          throw Object.assign(error, { name: token, code: token, token });
        }
        @Step({ secrets: ['TOKEN'], returns: ['kept'] }) returns() {
          return { header: 'Bearer ' + process.env.TOKEN, filler: 'x'.repeat(50_000) };
        }
      }\n`,
  });
  const run = await watchRun(['pipe.ts'], { cwd: project.directory, env: { TOKEN: token } });
  expect(run.by).toEqual({ completed: ['prints', 'returns'], failed: ['throws'] });
  const forms = [token, JSON.stringify(token).slice(1, -1), encodeURIComponent(token), btoa(token)];
  const found = (text: string): readonly string[] => forms.filter((form) => text.includes(form));
  expect(found(run.stdout + run.stderr)).toEqual([]);
  const holders = filesBelow(project.path('.run-pipeline')).filter(
    (file) => found(readFileSync(file, 'latin1')).length > 0,
  );
  expect(holders).toEqual([expect.stringMatching(/[\\/]blobs[\\/]/)]);
});

test('the state is gone in the middle of a run: an error, no hang', async () => {
  const project = scratch({
    'pipe.ts': `import { Pipeline, Step } from 'run-pipeline';
      import { rmSync } from 'node:fs';
      @Pipeline({ name: 'p' }) export class P {
        @Step({ returns: ['gone'] }) one() { rmSync('.run-pipeline', { recursive: true, force: true }); return 1; }
        @Step({ inputs: ['$<one.gone>'] }) two(_: number) { return 'x'.repeat(100_000); }
      }\n`,
  });
  const { code, stdout, stderr } = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect([1, 4]).toContain(code);
  expect(stdout + stderr).toContain('✖');
  expect(existsSync(project.path('pipe.ts'))).toBe(true);
});
