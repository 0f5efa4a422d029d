import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as BullMQ from 'bullmq';
import type * as IORedis from 'ioredis';
import { RunPipelineError } from '@run-pipeline/core/model';

export type { BullMQ, IORedis };

/**
 * The npm packages of the driver. They are the user's to install: who works on one machine needs neither.
 * Loading them takes a tenth of a second, so it waits for the first job; that they are there is known at the
 * door.
 */
export interface Driver {
  readonly bull: () => typeof BullMQ;
  readonly redis: () => typeof IORedis;
}

/** @throws RunPipelineError `driver-missing`. */
export function findDriver(cwd: string): Driver {
  const found = PACKAGES.map((name) => ({ name, load: find(name, cwd) }));
  const missing = found.filter(({ load }) => load === undefined).map(({ name }) => name);
  if (missing.length > 0)
    throw new RunPipelineError({
      kind: 'usage',
      code: 'driver-missing',
      message: `a queue on Redis needs the npm ${missing.length === 1 ? 'package' : 'packages'} ${missing.join(' and ')}`,
      help: `npm install ${PACKAGES.map((name) => `${name}@${MAJORS[name]}`).join(' ')}`,
    });
  const [bull, redis] = found.map(({ load }) => load!);
  return { bull: () => bull!() as typeof BullMQ, redis: () => redis!() as typeof IORedis };
}

const PACKAGES = ['bullmq', 'ioredis'] as const;
const MAJORS = { bullmq: 6, ioredis: 5 } as const;

/** Beside this installation, else from where the user's program runs. Both are CommonJS: loaded without a wait. */
function find(name: string, cwd: string): (() => unknown) | undefined {
  for (const from of [import.meta.url, join(cwd, 'package.json')]) {
    const require = createRequire(from);
    try {
      const path = require.resolve(name);
      return () => require(path) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}
