import { expect, test } from 'vitest';
import { query, runPipeline, startNode } from '../../rig/command.js';
import { scratch } from '../../rig/scratch.js';

const PIPE = `
import { Parameter, Pipeline, Step, type FileValue } from 'run-pipeline';
@Pipeline({ name: 'reads', project: 'hints' })
export class Reads {
  @Parameter({ type: 'file' }) data = 'none.csv';
  @Step({ inputs: ['$<pipeline.data>'] }) first(csv: FileValue): number { return csv.size; }
  @Step({ queue: 'away' }) second(): string { return 'run-pipeline show latest'; }
}
`;

test('commands are told as they are typed: with npx for who came by it', async () => {
  const { directory: cwd } = scratch({ 'pipe.ts': PIPE, 'data.csv': 'a' });
  const words = ['pipe.ts', '--param', 'data=data.csv'];
  const plain = await runPipeline(words, { cwd });
  expect([plain.code, plain.stdout]).toEqual([0, expect.stringContaining('next: run-pipeline get ')]);
  expect(plain.stdout).toContain('(start one: run-pipeline agent --queue away --create-queue)');
  const env = { npm_config_user_agent: 'npm/10.8.2 node/v20.20.2 linux x64 workspaces/false' };
  const npx = await runPipeline(words, { cwd, env });
  expect(npx.stdout).toContain('next: npx run-pipeline get ');
  expect(npx.stdout).toContain('(start one: npx run-pipeline agent --queue away --create-queue)');
  expect((await runPipeline(['pipe.ts', '--nonsense'], { cwd, env })).stderr).toContain(
    '→ npx run-pipeline run --help lists the options',
  );
  const helps = [
    ['--help'],
    ['run', '--help'],
    ['queue', '--help'],
    ['resume', '--help'],
    ['runs', '--pipeline', 'none'],
  ];
  for (const asked of helps) {
    const { stdout, stderr } = await runPipeline(asked, { cwd, env });
    expect([asked, stdout + stderr]).toEqual([asked, expect.stringContaining('npx run-pipeline ')]);
    // The first line of the general help is no command: it says which version this is.
    expect((stdout + stderr).replace(/^run-pipeline \d.*/, '')).not.toMatch(/(?<!npx )run-pipeline /);
  }
  // What a step has made stays what it is.
  expect(await query(['get', 'latest', 'second'], { cwd, env })).toBe('run-pipeline show latest');
});

test('a file that the command line names and that is not there ends the run before it begins', async () => {
  const { directory: cwd } = scratch({ 'pipe.ts': PIPE });
  for (const command of [['pipe.ts'], ['plan', 'pipe.ts'], ['pipe.ts', '--remote']]) {
    const { code, stderr } = await runPipeline([...command, '--param', 'data=other.csv'], { cwd });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`--param data: there is no file other.csv (${cwd}/other.csv)`),
    ]);
  }
  expect(await query(['runs'], { cwd })).toEqual([]);
  // That a default is missing matters when a step asks for it; the parameter is named.
  const asked = await runPipeline(['pipe.ts'], { cwd });
  expect([asked.code, asked.stdout]).toEqual([
    1,
    expect.stringContaining(`parameter "data" is file("${cwd}/none.csv"), which does not exist`),
  ]);
  expect((await runPipeline(['pipe.ts', '--only', 'second'], { cwd })).code).toBe(0);
});

test('an error that a script does not catch is printed without what it does not have', async () => {
  const { directory: cwd } = scratch({
    'get.mjs': `import { Task } from 'run-pipeline';\nawait Task.get('nope');\n`,
    'bare.mjs': `import { RunPipelineError } from 'run-pipeline';\nthrow new RunPipelineError({ kind: 'usage', code: 'x', message: 'no' });\n`,
  });
  const printed = async (file: string): Promise<string> => {
    const child = startNode([file], { cwd });
    let text = '';
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => child.on('close', resolve));
    return text;
  };
  const got = await printed('get.mjs');
  expect(got).toMatch(/code: 'unknown-task'/);
  expect(got).toMatch(/help: '/);
  expect(got).not.toContain('undefined');
  expect(got).not.toContain('diagnostics');
  expect(await printed('bare.mjs')).toMatch(/\{\s+kind: 'usage',\s+code: 'x'\s+\}/);
});
