import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, test } from 'vitest';
import { send, TIMEOUT_MS, type Controller } from '../rig/crash.js';
import { seeded } from '../rig/random.js';
import { KINDS } from './pipelines.js';
import { project } from './project.js';

/** Set by `npm run bench:kill`; the same seed kills after the same events and delays. */
const COUNT = Number(process.env['KILL_COUNT'] ?? 4);
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_122);

interface Kill {
  /** So many printed events, then so many milliseconds: where in the run it comes is different every time. */
  readonly events: number;
  readonly delayMs: number;
  readonly victim: 'controller' | 'worker';
}

async function strike(controller: Controller, { events, delayMs, victim }: Kill): Promise<void> {
  if (events > 0) await controller.printed(() => controller.events.length >= events);
  await sleep(delayMs);
  const [pid] = victim === 'controller' ? [controller.pid] : controller.busyWorkers();
  if (pid !== undefined && send(pid, 'SIGKILL')) struck += 1;
}
let struck = 0;
afterAll(() => console.log(`${struck} kills found their victim at work; seed ${SEED}`));

const CASES = Array.from({ length: COUNT }, (_, index) => {
  const random = seeded(SEED + index);
  const victim = index % 3 === 2 ? ('worker' as const) : ('controller' as const);
  const share = (): { readonly share: number; readonly delayMs: number } => {
    const place = random.integer(0, 100) / 100;
    // Before the first event everything is loaded and packaged: that takes longer than what comes between two.
    return { share: place, delayMs: random.integer(0, place < 0.04 ? 500 : 25) };
  };
  const kills = Array.from({ length: random.integer(1, 10) > 8 ? 2 : 1 }, share);
  return { number: index + 1, victim, kind: KINDS[index % KINDS.length]!, kills };
});

describe.concurrent(`runs that are killed at any moment (seed ${SEED})`, { timeout: TIMEOUT_MS }, () => {
  test.each(CASES)(
    '$number: the $victim of a pipeline of kind $kind',
    async ({ number, kind, victim, kills }) => {
      const crashed = await project.case(`${kind}.ts`, { concurrency: number % 3 === 0 ? 1 : 2 });
      const { events } = await project.reference(`${kind}.ts`);
      for (const { share, delayMs } of kills) {
        if (await crashed.hasCompleted()) break;
        const controller = await crashed.proceed();
        await strike(controller, { events: Math.round(share * events), delayMs, victim });
        await controller.ended;
      }
      await crashed.proceedToEnd();
      await crashed.verify({ show: number % 3 === 0 });
    },
  );
});
