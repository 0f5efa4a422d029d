import { setImmediate as nextTick } from 'node:timers/promises';
import type { CacheEntry, Store } from '@run-pipeline/core/ports';
import type { Fingerprint, RunId, Report, StoredArtifact, TaskId } from '@run-pipeline/core/model';
import { INLINE_LIMIT } from '@run-pipeline/core/model';
import { sha256 } from '../../artifacts/sha256.js';
import { isAlive } from '../../project/process-identity.js';
import type { Prepared } from './prepare.js';
import type { NodeState, RunContext } from '../context.js';

/**
 * Finding a result that is already known. Finding writes nothing; applying a hit is one commit
 * (`endNode`), which pins its blobs.
 *
 * Sound because of these rules, each kept here:
 * - an entry whose blob is missing or damaged is a miss with a reason (INVARIANTS 14);
 * - only cached steps coalesce; the claim is taken before dispatch, a waiter holds no slot, and when
 *   the holder fails or dies a waiter executes (INVARIANTS 8);
 * - after a claim is granted the look-up is made again: the result may have come meanwhile.
 */
export interface Hit {
  readonly run: RunId;
  readonly task: TaskId;
  readonly artifacts: readonly StoredArtifact[];
  readonly reports: readonly Report[];
  readonly durationMs: number;
}

/** Why there is no hit, when that is worth saying. */
export type Miss = 'uncached' | 'refresh' | 'none' | { readonly reason: string };

type LookContext = Pick<RunContext, 'project' | 'options'>;

export async function findHit(
  context: LookContext,
  node: NodeState,
  prepared: Prepared,
): Promise<{ readonly hit: Hit; readonly miss?: never } | { readonly hit?: never; readonly miss: Miss }> {
  if (prepared.cache === false) return { miss: 'uncached' };
  if (isRefreshed(context, node)) return { miss: 'refresh' };
  const entry = await findEntry(context.project.store, prepared.fingerprint);
  if (entry === undefined) return { miss: 'none' };
  const { ttl } = prepared.cache;
  if (ttl !== undefined && entry.ageMs > ttl)
    return { miss: { reason: 'its cached result has expired (ttl)' } };
  const damage = (await producerIsGone(context, prepared, entry))
    ? 'the task that made its cached result has been removed'
    : await findDamage(context, entry);
  if (damage !== undefined) {
    await context.project.store.dropCacheEntry(prepared.fingerprint);
    return { miss: { reason: damage } };
  }
  const { run, task, artifacts, reports, durationMs } = entry;
  return { hit: { run, task, artifacts, reports, durationMs } };
}

/** `$<step.id>` of a step from a task names the one that made the result, which others read then. */
const producerIsGone = async (
  context: LookContext,
  prepared: Prepared,
  { task }: CacheEntry,
): Promise<boolean> =>
  prepared.template !== undefined && (await context.project.store.readTask(task)) === undefined;

/** Look-ups that are waiting to be made together. */
const waiting = new WeakMap<Store, Lookups>();
interface Lookups {
  readonly fingerprints: Fingerprint[];
  readonly found: Promise<ReadonlyMap<Fingerprint, CacheEntry>>;
}

/** What many steps ask for within one tick is asked of the store at once. */
async function findEntry(store: Store, fingerprint: Fingerprint): Promise<CacheEntry | undefined> {
  const open = waiting.get(store) ?? openLookups(store);
  open.fingerprints.push(fingerprint);
  return (await open.found).get(fingerprint);
}

function openLookups(store: Store): Lookups {
  const fingerprints: Fingerprint[] = [];
  const found = nextTick().then(() => {
    waiting.delete(store);
    return store.findCacheEntries(fingerprints);
  });
  const lookups = { fingerprints, found };
  waiting.set(store, lookups);
  return lookups;
}

export function isRefreshed(context: LookContext, node: NodeState): boolean {
  const { refresh } = context.options;
  if (refresh === 'none') return false;
  return refresh === 'all' || refresh.includes(node.name) || refresh.includes(node.definition.name);
}

/**
 * Small values live in the store and are hashed here. A blob that was changed after the entry was made is read
 * and hashed, too; an untouched one costs one `stat`.
 */
async function findDamage(context: LookContext, entry: CacheEntry): Promise<string | undefined> {
  const madeAt = Date.parse(entry.createdAt);
  for (const { record, inline } of entry.artifacts) {
    if (inline !== undefined || record.size <= INLINE_LIMIT) {
      if (inline === undefined) return `its cached artifact ${record.name} is missing`;
      if (sha256(inline) !== record.hash) return `its cached artifact ${record.name} is damaged`;
      continue;
    }
    const found = await context.project.blobs.stat(record.hash);
    if (found === undefined) return `its cached artifact ${record.name} is missing`;
    if (found.size !== record.size) return `its cached artifact ${record.name} is damaged`;
    if (found.modifiedAt <= madeAt) continue;
    const read = await context.project.blobs.localPath(record.hash);
    if (!read.ok) return `its cached artifact ${record.name} is ${read.reason}`;
  }
  return undefined;
}

/** How often a waiter looks whether the holder of its fingerprint is done. */
const LOOK_EVERY_MS = 50;

/**
 * Runs `work` as the only one, in this store, that executes this fingerprint; gives a hit instead when
 * another one finished it meanwhile. Steps that are not cached do not coalesce.
 */
export async function whileClaimed(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  work: () => Promise<void>,
): Promise<Hit | undefined> {
  if (prepared.cache === false) {
    await work();
    return undefined;
  }
  const { store } = context.project;
  for (;;) {
    const claim = await tryToHold(context, node, prepared);
    if (claim.ok) break;
    // This wait is over when the holder releases; a stop of our own run ends it too.
    if (context.stop.current() !== undefined) break;
    if (claim.run !== context.row.id && isAlive(claim.owner) === 'dead') {
      await store.releaseFingerprint(prepared.fingerprint, claim.run, claim.owner);
      continue;
    }
    await pause(LOOK_EVERY_MS, context.stop.signal);
    if (isRefreshed(context, node)) continue;
    const { hit } = await findHit(context, node, prepared);
    if (hit !== undefined) return hit;
  }
  try {
    if (!isRefreshed(context, node)) {
      const { hit } = await findHit(context, node, prepared);
      if (hit !== undefined) return hit;
    }
    await work();
    return undefined;
  } finally {
    await release(context, node, prepared);
  }
}

/** For what is under way already: others wait for it, unless they are under way themselves. */
export async function holdingIfFree(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  work: () => Promise<void>,
): Promise<void> {
  if (prepared.cache !== false) await tryToHold(context, node, prepared);
  try {
    await work();
  } finally {
    await release(context, node, prepared);
  }
}

async function tryToHold(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
): Promise<Awaited<ReturnType<Store['claimFingerprint']>>> {
  const claim = await context.project.store.claimFingerprint(prepared.fingerprint, {
    run: context.row.id,
    step: node.name,
    owner: context.owner,
    leaseMs: context.leaseMs,
  });
  node.holdsClaim = claim.ok;
  return claim;
}

/** A step that executed has released it with its outcome. */
async function release(context: RunContext, node: NodeState, prepared: Prepared): Promise<void> {
  if (node.holdsClaim)
    await context.project.store.releaseFingerprint(prepared.fingerprint, context.row.id, context.owner);
  node.holdsClaim = false;
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
