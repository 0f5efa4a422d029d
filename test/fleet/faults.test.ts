import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KINDS } from '../crash/pipelines.js';
import { TIMEOUT_MS } from '../rig/crash.js';
import { FleetServices, withoutFleet } from '../rig/fleet.js';
import { hasNamespaces } from '../rig/network/machine.js';
import { DisturbedRun, FAULTS, faultBench, LOSES_AN_ATTEMPT, type FaultBench } from './disturbed.js';

/**
 * One fault a run, while its steps are executed on two machines. Whatever happens: nothing is lost, nothing is
 * executed again after it was reported completed, nothing of an old attempt is visible, and the artifacts
 * are those of a run that nobody disturbed.
 */
describe.skipIf(withoutFleet() !== undefined)(
  'a run on a fleet survives that',
  { timeout: TIMEOUT_MS },
  () => {
    let bench: FaultBench;
    beforeAll(async () => {
      bench = await faultBench(await FleetServices.start());
    }, TIMEOUT_MS);
    afterAll(() => bench.remove());

    const cases = FAULTS.map((fault, index) => ({ fault, kind: KINDS[index % KINDS.length]! }));
    test.each(cases)('$fault', async ({ fault, kind }) => {
      if (fault === 'the network of an agent is cut' && !hasNamespaces()) {
        // Only root may make networks; where nothing may be left out, this is not the place to run it.
        if (process.env['CI'] === 'true') throw new Error('no network namespace can be made here');
        console.warn(`LEFT OUT: ${fault}: no network namespace can be made here`);
        return;
      }
      const run = await DisturbedRun.start(bench, { kind });
      try {
        expect(await run.suffers(fault)).toBe(true);
        await run.endsWell();
        if (LOSES_AN_ATTEMPT.has(fault)) expect(run.attemptsLost()).toBeGreaterThan(0);
      } finally {
        await run.remove();
      }
    });

    test('the agent that drives the run is killed', async () => {
      const run = await DisturbedRun.start(bench, { kind: 'function', remote: true });
      try {
        await run.losesItsDriver();
        await run.endsWell();
        expect(run.controller.events.filter(({ type }) => type === 'run.resume')).toHaveLength(1);
      } finally {
        await run.remove();
      }
    });
  },
);
