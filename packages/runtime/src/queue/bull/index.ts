import { createHmac } from 'node:crypto';
import type { Store } from '@run-pipeline/core/ports';
import { BullLanes } from './bull-lanes.js';
import { BullQueue } from './bull-queue.js';
import { findDriver } from './driver.js';
import { redisAddress } from './redis-address.js';
import { RedisConnections } from './redis-connections.js';

/**
 * The queue of a fleet: ids of ready tasks on BullMQ 6 and Redis. Nothing is connected, and neither package loaded,
 * before the first job is pushed or waited for.
 *
 * @param options.url `redis://` or `rediss://`.
 * @param options.store What is queued, and who may have it.
 * @param options.cwd Where the npm packages `bullmq` and `ioredis` are looked for, when they are not beside this one.
 * @param options.tell Is told once that Redis is away, and once that it is back. Default: a line on stderr.
 * @throws RunPipelineError `driver-missing`, `queue-address`.
 */
export async function openBullQueue(options: {
  readonly url: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly store: Store;
  readonly cwd?: string;
  readonly tell?: (message: string) => void;
}): Promise<BullQueue> {
  const { url, env, store, cwd = process.cwd(), tell = toStderr } = options;
  const address = redisAddress(url, env);
  const driver = findDriver(cwd);
  const prefix = await keyPrefix(store);
  const connections = new RedisConnections({
    library: driver.redis,
    address,
    tell,
    onBack: () => queue.keepUp(),
  });
  const lanes = new BullLanes({ library: driver.bull, connections, prefix });
  const queue = new BullQueue({ connections, lanes, store });
  return queue;
}

/**
 * Of the store, so that two stores on one Redis never mix: derived from its secret, of which nothing can be learned
 * from it. In braces: all keys are in one slot of a cluster.
 */
async function keyPrefix(store: Store): Promise<string> {
  const id = createHmac('sha256', await store.secretKey())
    .update('run-pipeline queue prefix 1')
    .digest('hex');
  return `{run-pipeline:${id.slice(0, 20)}}`;
}

const toStderr = (message: string): void => void process.stderr.write(`▲ ${message}\n`);
