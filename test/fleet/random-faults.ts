import { afterAll, describe, test } from 'vitest';
import { KINDS } from '../crash/pipelines.js';
import { TIMEOUT_MS } from '../rig/crash.js';
import { hasNamespaces } from '../rig/network/machine.js';
import { seeded } from '../rig/random.js';
import { DisturbedRun, FAULTS, LASTS, type FaultBench } from './disturbed.js';

/** `npm run bench:fleet` makes a campaign of it. */
const COUNT = Number(process.env['FLEET_FAULT_COUNT'] ?? 2);
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

/** On what all tests of a file share. */
export function randomFaultTests(benchOf: () => FaultBench): void {
  describe(`runs on a fleet in which anything may fail (seed ${SEED})`, { timeout: TIMEOUT_MS }, () => {
    /** Fault -> how often it came, how often it found something to disturb. */
    const table: Record<string, { came: number; met: number }> = {};
    let whole = 0;
    afterAll(() => {
      if (process.env['FLEET_FAULT_COUNT'] === undefined) return;
      console.table(table);
      console.log(`${whole} of ${RUNS.length} runs are whole`);
    });

    test.each(RUNS)('$number: $kind, driven $where: $names', async ({ kind, where, faults }) => {
      const bench = benchOf();
      const { events } = await bench.project.reference(`${kind}.ts`);
      const run = await DisturbedRun.start(bench, { kind, remote: where === 'remote' });
      const met: Promise<void>[] = [];
      try {
        for (const { fault, share } of faults) {
          await run.reaches(share * events);
          const count = (table[fault] ??= { came: 0, met: 0 });
          count.came += 1;
          const suffered = run.suffers(fault).then((hit) => void (count.met += hit ? 1 : 0));
          met.push(suffered);
          if (!LASTS.has(fault)) await suffered;
        }
        await run.endsWell();
        await Promise.all(met);
        whole += 1;
      } finally {
        await run.remove();
      }
    });
  });
}
