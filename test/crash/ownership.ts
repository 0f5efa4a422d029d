import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventually, isWorker, send, TIMEOUT_MS, watchdogOf, type Controller } from '../rig/crash.js';
import { project, writePipelines } from './project.js';
import { processIdentity } from '../rig/engine.js';

/** `hold` waits for the file GATE, in one of three ways, and then writes what nobody may see twice. */
const HOLD = `
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentTask, Parameter, Pipeline, Step } from 'run-pipeline';

@Pipeline({ name: 'hold', project: 'crash' })
export class Hold {
  @Parameter() how = 'wait';

  @Step({ inputs: ['$<pipeline.how>'] })
  async hold(how: string): Promise<string> {
    const { attempt } = currentTask();
    if (how === 'spawn' && attempt === 1) {
      const child = spawn('sh', ['-c', 'while [ ! -e "$GATE" ]; do sleep 0.05; done; echo "late 0 0" >> "$EXECUTIONS"'], { stdio: 'ignore' });
      console.log('spawned ' + child.pid);
    }
    // Busy, as native code is: neither signals nor messages are heard.
    if (how === 'busy') {
      console.log('busy from here on');
      while (!existsSync(process.env.GATE!));
    }
    else while (!existsSync(process.env.GATE!)) await sleep(5);
    appendFileSync(process.env.EXECUTIONS!, 'late ' + attempt + ' ' + process.pid + '\\n');
    return 'held';
  }

  @Step({ inputs: ['$<hold.result>'] })
  after(result: string): string { return result + ' on'; }
}
`;

writePipelines({ 'hold.ts': HOLD });

/** They look into /proc. */
const onLinux = test.skipIf(process.platform !== 'linux');
const SHORT_LEASE = { RUN_PIPELINE_LEASE_MS: '1000' };

async function holding(how: string, env: Readonly<Record<string, string>> = {}) {
  const crashed = project.open('hold.ts');
  const controller = crashed.start(['hold.ts', '--param', `how=${how}`], env);
  const worker = await startedBy(controller);
  // A start is told before the worker has its request: until it spins it would notice the end of its controller.
  if (how === 'busy') {
    await controller.printed((event) => event.type === 'step.log' && event.text.includes('busy from here'));
  }
  return { crashed, controller, worker };
}

/** Empty once it has ended, reaped or not. */
function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function startedBy(controller: Controller): Promise<number> {
  const start = await controller.printed(({ type }) => type === 'step.start');
  if (start?.type !== 'step.start' || start.pid === undefined)
    throw new Error(`no start\n${controller.stderr}`);
  return start.pid;
}

describe.concurrent('the owner of a run', { timeout: TIMEOUT_MS }, () => {
  test('a controller that is stopped past its lease keeps its run, and goes on', async () => {
    const { crashed, controller } = await holding('wait', SHORT_LEASE);
    controller.kill('SIGSTOP');
    await eventually(async () => (await crashed.run()).leaseExpired);
    expect(await crashed.run()).toMatchObject({ leaseExpired: true, status: 'running' });
    const resumed = crashed.start(['resume', 'latest'], SHORT_LEASE);
    expect(await resumed.ended).toEqual({ code: 2, signal: null });
    expect(resumed.stderr).toContain(`is being run by process ${controller.pid}`);
    crashed.openGate();
    controller.kill('SIGCONT');
    expect(await controller.ended).toEqual({ code: 0, signal: null });
    expect(crashed.executions().map(({ attempt }) => attempt)).toEqual([1]);
    expect(await crashed.run()).toMatchObject({ status: 'completed', epoch: 1 });
  });

  test('once its process is gone, whatever its lease says, the run is resumed at once', async () => {
    const { crashed, controller } = await holding('wait');
    controller.kill('SIGSTOP');
    controller.kill('SIGKILL');
    await controller.ended;
    expect((await crashed.run()).leaseExpired).toBe(false);
    crashed.openGate();
    const resumed = crashed.start(['resume', 'latest']);
    expect(await resumed.ended).toEqual({ code: 0, signal: null });
    expect(await crashed.run()).toMatchObject({ status: 'completed', epoch: 2 });
  });

  test('a controller whose run was taken over kills its workers, says so, and writes nothing more', async () => {
    const { crashed, controller, worker } = await holding('busy', SHORT_LEASE);
    const { lastSeq } = await crashed.open(async ({ store }) => {
      const [row] = await store.findRuns({});
      const taken = await store.takeRun(row!.id, { expectedEpoch: 1, owner: processIdentity() });
      if (!taken.ok) throw new Error('not taken');
      return taken;
    });
    expect(await controller.ended).toEqual({ code: 1, signal: null });
    expect(controller.stderr).toContain('another process');
    expect(isWorker(worker)).toBe(false);
    crashed.openGate();
    expect(crashed.executions()).toEqual([]);
    expect(await crashed.run()).toMatchObject({ lastSeq, epoch: 2, status: 'running' });
  });

  test('a worker in a busy loop does not outlive its controller, and what it would write never appears', async () => {
    const { crashed, controller, worker } = await holding('busy');
    controller.kill();
    await controller.ended;
    await eventually(() => !isWorker(worker));
    expect(isWorker(worker)).toBe(false);
    crashed.openGate();
    await crashed.proceedToEnd();
    expect(crashed.executions().map(({ attempt }) => attempt)).toEqual([2]);
  });

  onLinux(
    'a busy worker that outlived its controller is killed before its step is executed again',
    async () => {
      const { crashed, controller, worker } = await holding('busy');
      send(watchdogOf(controller.pid)!, 'SIGKILL');
      controller.kill();
      await controller.ended;
      expect(isWorker(worker)).toBe(true);
      const resumed = crashed.start(['resume', 'latest']);
      expect(await startedBy(resumed)).not.toBe(worker);
      expect(isWorker(worker)).toBe(false);
      crashed.openGate();
      expect((await resumed.ended).code).toBe(0);
      expect(crashed.executions().map(({ attempt }) => attempt)).toEqual([2]);
    },
  );

  onLinux('what a dead worker had started is killed with it', async () => {
    const { crashed, controller, worker } = await holding('spawn');
    const log = await controller.printed(
      (event) => event.type === 'step.log' && /spawned \d/.test(event.text),
    );
    const child = Number(log?.type === 'step.log' && /spawned (\d+)/.exec(log.text)?.[1]);
    send(watchdogOf(controller.pid)!, 'SIGKILL');
    send(worker, 'SIGSTOP');
    controller.kill();
    await controller.ended;
    send(worker, 'SIGKILL');
    await eventually(() => !isWorker(worker));
    expect(readCommand(child)).toContain('while');
    const resumed = crashed.start(['resume', 'latest']);
    await startedBy(resumed);
    expect(readCommand(child)).toBe('');
    crashed.openGate();
    expect((await resumed.ended).code).toBe(0);
    expect(crashed.executions().map(({ attempt }) => attempt)).toEqual([2]);
  });
});
