import type { Store } from '@run-pipeline/core/ports';
import { afterEach } from 'vitest';
import type { ChildJob } from './child-job.js';

export * from './fixtures.js';

/** One empty store, and every way the suite needs to look at it. */
export interface StoreUnderTest {
  /** A further connection, as another process would have. Closed by `dispose`. */
  open(): Promise<Store>;
  /** Moves the clock of all connections opened here. */
  advance(ms: number): void;
  /** Runs a job of `child.ts` on this store in a process of its own. */
  process(job: ChildJob, env?: Readonly<Record<string, string>>): Promise<ChildEnd>;
  dispose(): Promise<void>;
}
export type StoreFactory = () => Promise<StoreUnderTest>;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Gives each test a store of its own and disposes of it. */
export function useStores(
  factory: StoreFactory,
): () => Promise<{ readonly under: StoreUnderTest; readonly store: Store }> {
  const made: StoreUnderTest[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((under) => under.dispose()));
  });
  return async () => {
    const under = await factory();
    made.push(under);
    return { under, store: await under.open() };
  };
}
