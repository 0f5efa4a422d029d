import { describe, expect, test } from 'vitest';
import { send, TIMEOUT_MS, type Controller } from '../rig/crash.js';
import { project, writePipelines } from './project.js';

const SHARED = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentTask, each, Pipeline, Step } from 'run-pipeline';

async function work(): Promise<void> {
  const { name, attempt } = currentTask();
  appendFileSync(process.env.EXECUTIONS!, name + ' ' + attempt + ' ' + process.pid + '\\n');
  while (!existsSync(process.env.GATE!)) await sleep(5);
}

@Pipeline({ name: 'shared', project: 'crash', cache: true })
export class Shared {
  @Step({ returns: ['list'] })
  async list(): Promise<number[]> { await work(); return [1, 2, 3]; }

  @Step({ inputs: [each('$<list.list>')], returns: ['square'] })
  async square(value: number): Promise<number> { await work(); return value * value; }

  @Step({ inputs: ['$<square.square>'] })
  async sum(squares: number[]): Promise<number> { await work(); return squares.reduce((a, b) => a + b, 0); }
}
`;

writePipelines({ 'shared.ts': SHARED });

const hasStarted = ({ type }: { readonly type: string }): boolean => type === 'run.start';
const executing = ({ type }: { readonly type: string }): boolean => type === 'step.start';
const endOf = (controller: Controller, step: string): unknown =>
  controller.events.findLast((event) => event.type === 'step.end' && event.step === step);

describe.concurrent('a step that several runs want', { timeout: TIMEOUT_MS }, () => {
  test('is executed once by two processes at once', async () => {
    const shared = project.open('shared.ts');
    const both = [shared.start(['shared.ts']), shared.start(['shared.ts'])] as const;
    await Promise.all(both.map((controller) => controller.printed(hasStarted)));
    await Promise.race(both.map((controller) => controller.printed(executing)));
    shared.openGate();
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(
      shared
        .executions()
        .map(({ step }) => step)
        .sort(),
    ).toEqual(['list', 'square[0]', 'square[1]', 'square[2]', 'sum']);
    for (const step of ['list', 'square[1]', 'sum']) {
      const statuses = both.map(
        (controller) => (endOf(controller, step) as { readonly status: string }).status,
      );
      expect(statuses.sort()).toEqual(['cached', 'completed']);
    }
  });

  test('is executed by the one that waited when the process of the other is killed', async () => {
    const shared = project.open('shared.ts');
    const holder = shared.start(['shared.ts']);
    await holder.printed(executing);
    const waiter = shared.start(['shared.ts']);
    await waiter.printed(hasStarted);
    holder.kill();
    await holder.ended;
    shared.openGate();
    expect(await waiter.ended).toEqual({ code: 0, signal: null });
    expect(endOf(waiter, 'list')).toMatchObject({ status: 'completed' });
    const resumed = shared.start(['resume', holder.events[0]!.run]);
    expect(await resumed.ended).toEqual({ code: 0, signal: null });
    expect(endOf(resumed, 'sum')).toMatchObject({ status: 'cached', cachedFrom: waiter.events[0]!.run });
    expect(shared.executions().filter(({ step }) => step !== 'list')).toHaveLength(4);
  });

  test('is executed by the one that waited when it fails in the other', async () => {
    const shared = project.open('shared.ts');
    const holder = shared.start(['shared.ts']);
    await holder.printed(executing);
    const waiter = shared.start(['shared.ts']);
    await waiter.printed(hasStarted);
    for (const worker of holder.busyWorkers()) send(worker, 'SIGKILL');
    expect(await holder.ended).toEqual({ code: 1, signal: null });
    expect(endOf(holder, 'list')).toMatchObject({ status: 'failed', error: { code: 'worker-lost' } });
    await waiter.printed(executing);
    shared.openGate();
    expect(await waiter.ended).toEqual({ code: 0, signal: null });
  });
});
