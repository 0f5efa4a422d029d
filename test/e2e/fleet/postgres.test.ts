import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { RunEvent } from '@run-pipeline/core/model';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AgentProcess } from '../../rig/agents.js';
import { query, runPipeline, watchRun } from '../../rig/command.js';
import { JsonProcess } from '../../rig/json-process.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../rig/postgres.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';

const CHAIN = `
import { Pipeline, Step, Parameter, currentTask } from 'run-pipeline';
import { appears, trace } from './trace.ts';
@Pipeline({ name: 'chain', project: 'examples', cache: true })
export class Chain {
  @Parameter() from = 1;
  @Step({ inputs: ['$<pipeline.from>'], returns: ['value'] })
  first(from: number): number {
    trace('first');
    currentTask().logger.reportScalar({ title: 'loss', series: 'train', value: 0.5, iteration: 1 });
    return from + 1;
  }
  @Step({ inputs: ['$<first.value>'], returns: ['value'], MORE })
  async second(value: number): Promise<number> {
    trace('second');
    console.log('second waits');
    await appears('go');
    return value + 1;
  }
  @Step({ inputs: ['$<second.value>'], returns: ['value'] })
  third(value: number): number {
    trace('third');
    return value + 1;
  }
}
`;
const chain = (more = ''): Readonly<Record<string, string>> => ({
  ...TRACE,
  'chain.ts': CHAIN.replace(', MORE', more === '' ? '' : `, ${more}`),
});

const WIDE = `
import { Pipeline, Step } from 'run-pipeline';
import { setTimeout } from 'node:timers/promises';
import { trace } from './trace.ts';
@Pipeline({ name: 'wide', project: 'examples', cache: true })
export class Wide {
${Array.from(
  { length: 40 },
  (_, at) => `  @Step({ returns: ['value'] })
  async s${at}(): Promise<number> { await setTimeout(40); trace('s${at}'); return ${at}; }`,
).join('\n')}
}
`;

const traces = (project: Scratch): readonly string[] =>
  readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n');

describe.skipIf(withoutPostgres() !== undefined)('with the state on a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ durable: true });
  }, 60_000);
  afterAll(() => server.dispose(), 60_000);

  function project(files: Readonly<Record<string, string>>): {
    readonly files: Scratch;
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  } {
    const directory = scratch(files);
    return {
      files: directory,
      cwd: directory.directory,
      env: { RUN_PIPELINE_STORE: server.fresh(), RUN_PIPELINE_LEASE_MS: '2000' },
    };
  }

  test('a pipeline runs, is cached, and answers every question; nothing of it is in a local store', async () => {
    const { files, cwd, env } = project(chain());
    files.write({ go: '' });
    const first = await watchRun(['chain.ts'], { cwd, env });
    expect(first).toMatchObject({ code: 0, by: { completed: ['first', 'second', 'third'] } });
    const again = await watchRun(['chain.ts'], { cwd, env });
    expect(again.by).toEqual({ cached: ['first', 'second', 'third'] });
    const other = await watchRun(['chain.ts', '-p', 'from=5'], { cwd, env });
    expect(other.by).toEqual({ completed: ['first', 'second', 'third'] });

    const ask = { cwd, env };
    const runs = await query<readonly { readonly number: number; readonly status: string }[]>(['runs'], ask);
    expect(runs.map(({ number, status }) => [number, status])).toEqual([
      [3, 'completed'],
      [2, 'completed'],
      [1, 'completed'],
    ]);
    expect((await runPipeline(['show', 'chain#1'], ask)).stdout).toContain('third');
    expect((await runPipeline(['logs', 'chain#1', 'second'], ask)).stdout).toContain('second waits');
    expect((await runPipeline(['why', 'chain#3', 'first'], ask)).stdout).toMatch(/from/);
    expect((await runPipeline(['get', 'chain#3', 'third.value'], ask)).stdout).toBe('8\n');
    expect((await runPipeline(['diff', 'chain#1', 'chain#3'], ask)).stdout).toContain('from');
    const doctor = await runPipeline(['doctor'], ask);
    expect(doctor.code).toBe(0);
    expect(doctor.stdout).toMatch(/store postgres:.*127\.0\.0\.1.* opens, version 1, 3 runs/);
    expect(`${doctor.stdout}${doctor.stderr}`).not.toContain('p%40ss');
    const gc = await runPipeline(['gc', '--keep-runs', '1'], ask);
    expect(gc.code).toBe(0);
    expect(await query<readonly unknown[]>(['runs'], ask)).toHaveLength(1);
    expect(existsSync(files.path('.run-pipeline', 'state.db'))).toBe(false);
  });

  test('a restart and a crash of the server in the middle of a run lose nothing and execute nothing again', async () => {
    const { files, cwd, env } = project({ ...TRACE, 'wide.ts': WIDE });
    const run = new JsonProcess<RunEvent>(['wide.ts', '--concurrency', '4'], { cwd, env });
    onTestFinished(() => run.kill());
    for (const [ended, how] of [
      [5, 'fast'],
      [20, 'immediate'],
    ] as const) {
      let count = 0;
      await run.printed((line) => line.type === 'step.end' && ++count === ended);
      await server.stop(how);
      await server.start();
    }
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(traces(files).toSorted()).toEqual(Array.from({ length: 40 }, (_, at) => `s${at}`).toSorted());
    const ends = run.lines.filter(({ type }) => type === 'step.end');
    expect(ends.map((end) => 'status' in end && end.status)).toEqual(ends.map(() => 'completed'));
    expect(run.lines.map(({ seq }) => seq)).toEqual(run.lines.map((_, at) => at));
    const again = await watchRun(['wide.ts'], { cwd, env });
    expect(again.by.cached).toHaveLength(40);
  });

  test('the server crashes while an agent executes a step: its outcome arrives, once', async () => {
    const { files, cwd, env } = project(chain(`queue: 'gpu'`));
    const agent = new AgentProcess(['--queue', 'gpu'], { cwd, env });
    onTestFinished(() => agent.remove());
    await agent.printed((line) => line.type === 'agent.start');
    const run = new JsonProcess<RunEvent>(['chain.ts'], { cwd, env });
    onTestFinished(() => run.kill());
    await run.printed((line) => line.type === 'step.log' && line.step === 'second');
    await server.stop('immediate');
    writeFileSync(files.path('go'), '');
    await server.start();
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(traces(files)).toEqual(['first', 'second', 'third']);
  });

  test('a run whose process is killed is continued by another one, from what was committed', async () => {
    const { files, cwd, env } = project(chain());
    const run = new JsonProcess<RunEvent>(['chain.ts'], { cwd, env });
    await run.printed((line) => line.type === 'step.log' && line.step === 'second');
    run.kill();
    await run.ended;
    writeFileSync(files.path('go'), '');
    const resumed = await watchRun(['resume', 'chain#1'], { cwd, env });
    expect(resumed.code).toBe(0);
    expect(traces(files)).toEqual(['first', 'second', 'second', 'third']);
  });
});
