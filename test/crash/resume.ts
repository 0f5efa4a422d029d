import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { send, TIMEOUT_MS, type CrashCase } from '../rig/crash.js';
import { project, writePipelines } from './project.js';
import { collectGarbage, processIdentity, resumeRun } from '../rig/engine.js';

/** A large parameter, a step that fails twice, calls in a body that are mapped: each of them interrupted. */
const MORE = {
  'large.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
import { work } from './trace';

@Pipeline({ name: 'large', project: 'crash' })
export class Large {
  @Parameter() words: string[] = Array.from({ length: 5000 }, (_, index) => 'word ' + index);
  @Step({ inputs: ['$<pipeline.words>'] })
  async count(words: string[]): Promise<number> { await work(); return words.length; }
}
`,
  'retry.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { work } from './trace';

@Pipeline({ name: 'retry', project: 'crash' })
export class Retry {
  @Step({ retry: { retries: 3, backoff: '1ms' } })
  async flaky(): Promise<string> {
    await work();
    if (currentTask().attempt < 3) throw new Error('not yet');
    return 'at last';
  }
  @Step({ inputs: ['$<flaky.result>'] })
  async after(result: string): Promise<string> { await work(); return result; }
}
`,
  'mapped.ts': `
import { each, pipeline, step } from 'run-pipeline';
import { rows, work } from './trace';

const list = step({ name: 'list' }, async (count: number) => { await work(); return rows(count, 0); });
const score_1 = step({ name: 'score_1' }, async (row: { id: number }) => { await work(); return row.id; });
const sum = step({ name: 'sum' }, async (ids: number[]) => { await work(); return ids.reduce((a, b) => a + b, 0); });

export const body = pipeline({ name: 'mapped', project: 'crash' }, async () => {
  const first = score_1(each(list(3)));
  const second = score_1(each(list(2)));
  return (await sum(first)) + (await sum(second));
});
`,
  'inline.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { work } from './trace';

@Pipeline({ name: 'inline', project: 'crash' })
export class Inline {
  @Step({ isolation: 'inline' }) async first(): Promise<number> { await work(); return 1; }
  @Step({ inputs: ['$<first.result>'], isolation: 'inline' }) async second(one: number): Promise<number> { await work(); return one + 1; }
}
`,
};

writePipelines(MORE);

/** A run that dies at `point`. */
async function crashedAt(file: string, point: string): Promise<CrashCase> {
  const crashed = await project.case(file);
  await diesAt(crashed, point);
  return crashed;
}

/** Started, or resumed, it dies at `point`. */
async function diesAt(crashed: CrashCase, point: string): Promise<void> {
  const controller = await crashed.proceed({ RUN_PIPELINE_CRASH_AT: point });
  expect(await controller.ended, controller.stderr).toEqual({ code: null, signal: 'SIGKILL' });
}

describe.concurrent('a run that is resumed', { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['retry.ts', ['after-execute:2']],
    ['retry.ts', ['after-claim:2']],
    ['mapped.ts', ['after-claim:5', 'after-end:4']],
    ['inline.ts', ['after-claim', 'after-execute:2']],
  ])('is as it would have been: %s, killed at %j', async (file, points) => {
    const crashed = await project.case(file);
    for (const point of points) await diesAt(crashed, point);
    await crashed.proceedToEnd();
    await crashed.verify();
  });

  test('has its large parameters, although nothing had happened yet and gc came between', async () => {
    const crashed = await crashedAt('large.ts', 'run-created');
    await crashed.open((opened) => collectGarbage(opened, { dryRun: false, graceMs: 0 }));
    await crashed.proceedToEnd();
    await crashed.verify();
  });

  test('is resumed by one of two processes that try it at once', async () => {
    const crashed = await crashedAt('class.ts', 'after-claim:2');
    const both = [1, 2].map(() => crashed.start(['resume', 'latest']));
    const ends = await Promise.all(both.map(({ ended }) => ended));
    // The second may come when the first has completed it.
    expect(ends.map(({ code }) => code).sort()).toEqual([0, 2]);
    const refused = both[ends.findIndex(({ code }) => code === 2)]!;
    expect(refused.stderr).toMatch(/is being run by process \d+|has completed/);
    await crashed.verify();
  });

  test('is left to the process that took it while another one was about to', async () => {
    const crashed = await crashedAt('class.ts', 'after-claim:2');
    await crashed.open(async (opened) => {
      const { id, epoch } = (await opened.store.findRuns({}))[0]!;
      // Right after the other one has seen that the owner is dead.
      const store = new Proxy(opened.store, {
        get: (given, name) =>
          name === 'recoverTasks'
            ? async () => {
                await given.takeRun(id, { expectedEpoch: epoch, owner: processIdentity() });
                return given.recoverTasks();
              }
            : (Reflect.get(given, name) as () => unknown).bind(given),
      });
      const resumed = resumeRun({
        project: { ...opened, store },
        run: id,
        options: { concurrency: 1, graceMs: 1000 },
        onWarning: () => {},
        onEvent: () => {},
        signal: new AbortController().signal,
      });
      await expect(resumed).rejects.toMatchObject({ code: 'still-running' });
      expect(await opened.store.getRun(id)).toMatchObject({ epoch: epoch + 1 });
    });
  });

  test('does not call the callbacks of completed steps again', async () => {
    const crashed = await crashedAt('controller.ts', 'after-claim:4');
    await crashed.proceedToEnd();
    const file = join(crashed.home, 'executions.callbacks');
    const told = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    expect(told.filter((line) => !line.startsWith('pre report'))).toEqual([...new Set(told)]);
    expect(told).toContain('status names running completed');
    expect(told).toContain('post report completed');
    await crashed.verify();
  });
});

describe.concurrent('gc', { timeout: TIMEOUT_MS }, () => {
  test('that dies after the rows and before the files is finished by the next one', async () => {
    const crashed = await project.case('class.ts');
    expect((await crashed.start(['class.ts']).ended).code).toBe(0);
    const collected = crashed.start(['gc', '--keep-runs', '0', '--max-age', '0s', '--grace', '0s'], {
      RUN_PIPELINE_CRASH_AT: 'rows-collected',
    });
    expect((await collected.ended).signal).toBe('SIGKILL');
    await crashed.open(async (opened) => {
      await collectGarbage(opened, { dryRun: false, graceMs: 0 });
      for await (const { hash } of opened.blobs.list())
        expect(await opened.store.pinned([hash])).toEqual(new Set([hash]));
    });
  });

  test('leaves what a living run has written but not committed alone', async () => {
    const crashed = await project.case('class.ts');
    const controller = crashed.start(['class.ts']);
    await controller.printed(({ type }) => type === 'step.start');
    controller.kill('SIGSTOP');
    await crashed.open((opened) => collectGarbage(opened, { dryRun: false }));
    send(controller.pid, 'SIGCONT');
    expect(await controller.ended).toEqual({ code: 0, signal: null });
    await crashed.verify();
  });
});
