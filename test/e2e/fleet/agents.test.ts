import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { query } from '../../rig/command.js';
import { send } from '../../rig/json-process.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../rig/postgres.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch } from '../../rig/scratch.js';
import { RunProcess } from '../queues/rig.js';

const MINUTE = 60_000;

/** Steps tell what they do in the directory TRACES, wherever they are executed. */
const FILES = {
  'trace.ts': `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const at = (name: string): string => process.env.TRACES + '/' + name;
export const trace = (word: string): void => appendFileSync(at('trace.txt'), word + '\\n');
export const leave = (name: string): void => writeFileSync(at(name), '');
export async function appears(name: string, signal?: AbortSignal): Promise<void> {
  for (let waited = 0; !existsSync(at(name)); waited += 20) {
    signal?.throwIfAborted();
    if (waited > 40_000) throw new Error(name + ' did not appear');
    await setTimeout(20);
  }
}
`,
  'meet.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'meet', queue: 'default' })
export class Meet {
  @Step() async left(): Promise<string> { leave('left'); await appears('right'); trace('left'); console.log('left here'); return 'left'; }
  @Step() async right(): Promise<string> { leave('right'); await appears('left'); trace('right'); console.log('right here'); return 'right'; }
  @Step({ inputs: ['$<left.result>', '$<right.result>'] })
  both(left: string, right: string): string { trace('both'); return left + ' ' + right; }
}
`,
  'waits.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'waits', queue: 'default' })
export class Waits {
  @Step() async work(): Promise<string> {
    const { attempt } = currentTask();
    trace('begins ' + attempt);
    if (attempt === 1) await appears('gate');
    trace('ends ' + attempt);
    return 'of attempt ' + attempt;
  }
  @Step({ inputs: ['$<work.result>'] }) after(text: string): string { trace('after'); return text; }
}
`,
};

/** Machines share a database and a bucket, and nothing else; agents hear of jobs from the database. */
describe.skipIf(withoutPostgres() !== undefined)('agents of machines of their own', () => {
  let server: PostgresServer;
  let s3: TestS3;
  beforeAll(async () => {
    [server, s3] = await Promise.all([startPostgres(), startS3()]);
  }, MINUTE);
  afterAll(async () => {
    await Promise.all([server.dispose(), s3.stop()]);
  }, MINUTE);

  function machines() {
    const files = scratch(FILES);
    const { directory } = files;
    const shared = {
      ...s3.env(directory.split('/').at(-1)),
      RUN_PIPELINE_STORE: server.fresh(),
      RUN_PIPELINE_LEASE_MS: '2000',
      RUN_PIPELINE_GRACE_MS: '500',
      TRACES: directory,
    };
    const env = (machine: string) => ({ ...shared, RUN_PIPELINE_HOME: files.path('machines', machine) });
    const here = { cwd: directory, env: env('here') };
    return {
      here,
      run: (...args: readonly string[]) => new RunProcess(args, here),
      async agent(machine: string, ...args: readonly string[]) {
        const agent = new AgentProcess(args, { cwd: emptyDirectory(), env: env(machine) });
        onTestFinished(() => agent.remove());
        await agent.told('agent.start');
        return agent;
      },
      traces(): readonly string[] {
        const file = files.path('trace.txt');
        return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
      },
      open: (gate: string) => writeFileSync(files.path(gate), ''),
    };
  }
  const agentsOf = (run: RunProcess): readonly string[] =>
    run.lines.flatMap((event) =>
      event.type === 'step.start' && event.agent !== undefined
        ? [event.agent.split(':')[1]!.split('-')[0]!]
        : [],
    );

  test('two share the steps of a run; whoever asks, anywhere, hears of it all', async () => {
    const it = machines();
    const agents = [await it.agent('a', '--concurrency', '1'), await it.agent('b', '--concurrency', '1')];
    const run = it.run('meet.ts');
    const { code, ends } = await run.result();
    expect(code, run.stderr).toBe(0);
    expect(Object.values(ends).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
    expect(it.traces().toSorted()).toEqual(['both', 'left', 'right']);
    // Each has one place, and both steps were inside at once.
    expect(new Set(agentsOf(run))).toEqual(new Set(agents.map(({ pid }) => String(pid))));
    expect(run.console('left')).toBe('left here\n');
    expect(await query(['get', 'latest', 'both.result'], it.here)).toBe('left right');
  });

  test('one that sleeps past its lease comes too late, and is told so', async () => {
    const it = machines();
    const sleeper = await it.agent('a');
    const run = it.run('waits.ts');
    const { agent } = await run.told('step.start', 'work');
    expect(agent).toContain(`:${sleeper.pid}-`);
    send(sleeper.pid, 'SIGSTOP');
    await it.agent('b');
    await run.told('step.end', 'work');
    send(sleeper.pid, 'SIGCONT');
    await sleeper.told('task.lost');
    it.open('gate');
    const { code } = await run.result();
    expect(code, run.stderr).toBe(0);
    expect(run.words('work').at(-1)).toBe('end completed 2');
    expect(await query(['get', 'latest', 'after.result'], it.here)).toBe('of attempt 2');
  });
});
