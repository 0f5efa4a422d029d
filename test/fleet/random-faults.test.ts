import { afterAll, beforeAll, describe, test } from 'vitest';
import { KINDS } from '../crash/pipelines.js';
import { TIMEOUT_MS } from '../rig/crash.js';
import { FleetServices, withoutFleet } from '../rig/fleet.js';
import { hasNamespaces } from '../rig/network/machine.js';
import { seeded } from '../rig/random.js';
import { DisturbedRun, FAULTS, faultBench, type FaultBench } from './disturbed.js';

/** `npm run bench:fleet` makes a campaign of it. */
const COUNT = Number(process.env['FLEET_FAULT_COUNT'] ?? 6);
const SEED = Number(process.env['FLEET_FAULT_SEED'] ?? 20_261_128);
/** No step can lose a third attempt, which would fail it. */
const FAULTS_A_RUN = 2;

const possible = FAULTS.filter((fault) => fault !== 'the network of an agent is cut' || hasNamespaces());

const RUNS = Array.from({ length: Math.ceil(COUNT / FAULTS_A_RUN) }, (_, index) => {
  const random = seeded(SEED + index);
  const faults = Array.from({ length: Math.min(FAULTS_A_RUN, COUNT - FAULTS_A_RUN * index) }, () => ({
    fault: random.pick(possible),
    share: random.integer(0, 80) / 100,
  })).toSorted((a, b) => a.share - b.share);
  return {
    number: index + 1,
    kind: KINDS[index % KINDS.length]!,
    // Every third run is driven by the agents, too.
    where: index % 3 === 2 ? ('remote' as const) : ('here' as const),
    faults,
    names: faults.map(({ fault }) => fault).join(', then '),
  };
});

describe.skipIf(withoutFleet() !== undefined)(
  `runs on a fleet in which anything may fail (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  () => {
    let bench: FaultBench;
    const table: { readonly run: number; readonly fault: string; readonly 'seconds of the run': string }[] =
      [];
    beforeAll(async () => {
      bench = await faultBench(await FleetServices.start());
    }, TIMEOUT_MS);
    afterAll(async () => {
      if (process.env['FLEET_FAULT_COUNT'] !== undefined) console.table(table);
      await bench.remove();
    });

    test.each(RUNS)('$number: $kind, driven $where: $names', async ({ number, kind, where, faults }) => {
      const started = performance.now();
      const { events } = await bench.project.reference(`${kind}.ts`);
      const run = await DisturbedRun.start(bench, { kind, remote: where === 'remote' });
      try {
        for (const { fault, share } of faults) {
          await run.reaches(share * events);
          await run.suffers(fault);
        }
        await run.endsWell();
      } finally {
        await run.remove();
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      for (const { fault } of faults) table.push({ run: number, fault, 'seconds of the run': seconds });
    });
  },
);
