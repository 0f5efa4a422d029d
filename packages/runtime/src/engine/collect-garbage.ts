import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunPipelineError, RunPipelineError, type Digest } from '@run-pipeline/core/model';
import type { CollectPolicy } from '@run-pipeline/core/ports';
import { crashPoint } from '../crash-points.js';
import { pruneLoadCache } from '../discover/index.js';
import { collectEnvironments } from '../environments/collect-environments.js';
import { PACKAGE_IDLE_MS } from '../package/index.js';
import type { Project } from '../project/project.js';
import { collectStorage } from '../storage/collect-storage.js';
import { ASSET_TREES } from './controller/asset-tree.js';
import { readDraft } from './controller/draft.js';
import { readLaunch } from './launch/run-documents.js';

/**
 * Frees what nothing references. Rows go first, in one transaction; a file is unlinked only when no row
 * pins it *and* it is older than the grace period: a writer makes a blob durable before its row, so a
 * young blob without a row may be about to get one (INVARIANTS 14).
 */
export interface GarbageReport {
  readonly runs: number;
  readonly cacheEntries: number;
  readonly values: number;
  readonly blobs: number;
  readonly packages: number;
  /** Installed npm packages of tasks that agents have not executed for long (30 days, or the given age). */
  readonly environments: number;
  /** Local copies of `StorageManager` that nothing has asked for in that time. */
  readonly copies: number;
  /** Temporary files of writers that died, and evaluated JavaScript of files that are gone. */
  readonly leftovers: number;
  /** Bytes of blobs, environments and copies freed. */
  readonly bytes: number;
}

/** A writer that has not committed within this time is taken to be gone. */
export const DEFAULT_GRACE_MS = 60 * 60 * 1000;

export async function collectGarbage(
  project: Project,
  policy: CollectPolicy & { readonly graceMs?: number },
): Promise<GarbageReport> {
  const { graceMs = DEFAULT_GRACE_MS, ...rows } = policy;
  await refuseShared(project);
  const collected = await project.store.collect(rows);
  crashPoint('rows-collected');
  const freed = new Set<Digest>(collected.unreferenced.map((blob) => blob.hash));
  const blobs = await removeBlobs(project, freed, { dryRun: policy.dryRun, graceMs });
  const local = await readdir(join(project.home, 'packages')).catch(() => []);
  const needed =
    local.length === 0 && project.packages === undefined ? new Set<string>() : await neededPackages(project);
  const sweep = { dryRun: policy.dryRun, graceMs };
  const packages =
    (await removePackages(project, needed, sweep)) + (await removeShared(project, needed, sweep));
  const idle = { maxIdleMs: policy.maxAgeMs, graceMs, dryRun: policy.dryRun };
  const caches = join(project.home, 'cache');
  const environments = await collectEnvironments({ cache: join(caches, 'environments'), ...idle });
  const storage = await collectStorage({ directory: join(caches, 'storage'), ...idle });
  const evaluated = pruneLoadCache({ paths: project, dryRun: policy.dryRun }).files;
  const leftovers = policy.dryRun
    ? evaluated + environments.leftovers + storage.leftovers
    : evaluated +
      environments.leftovers +
      storage.leftovers +
      (await project.blobs.sweep(graceMs)).removed +
      (await removeOld(join(project.home, 'tmp'), graceMs)) +
      (await removeOld(join(caches, ASSET_TREES), Math.max(graceMs, TREE_MS))) +
      (await removeUnfinished(join(project.home, 'cache'), graceMs));
  return {
    runs: collected.runs.length,
    cacheEntries: collected.cacheEntries,
    values: collected.values,
    blobs: blobs.count,
    packages,
    environments: environments.environments,
    copies: storage.copies,
    leftovers,
    bytes: blobs.bytes + environments.bytes + storage.bytes,
  };
}

/** A tree of links that no controller was placed in for so long; one that lives longer loses its assets. */
const TREE_MS = 30 * 24 * 60 * 60 * 1000;

/** What this store does not name may be all that another one has. */
async function refuseShared({ blobs }: Project): Promise<void> {
  const others = (await blobs.sharedWith?.()) ?? [];
  if (others.length === 0) return;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'blobs-shared',
    message: `nothing was freed: artifacts of other stores are in the same place: ${others.join('; ')}`,
    help: 'Give every store a prefix of its own (RUN_PIPELINE_BLOBS=s3://bucket/prefix). When such a store is gone for good, delete the object that is named here.',
  });
}

interface Sweep {
  readonly dryRun: boolean;
  readonly graceMs: number;
}

/** How many blobs are asked about at once. */
const BATCH = 500;

async function removeBlobs(
  project: Project,
  freed: ReadonlySet<Digest>,
  { dryRun, graceMs }: Sweep,
): Promise<{ readonly count: number; readonly bytes: number }> {
  let count = 0;
  let bytes = 0;
  let batch: { readonly hash: Digest; readonly size: number }[] = [];
  const flush = async (): Promise<void> => {
    const pinned = await project.store.pinned(batch.map((blob) => blob.hash));
    for (const blob of batch) {
      // A dry run rolled its deletions back: what it would have freed is still pinned.
      if (pinned.has(blob.hash) && !(dryRun && freed.has(blob.hash))) continue;
      count += 1;
      bytes += blob.size;
      if (!dryRun) await project.blobs.delete(blob.hash);
    }
    batch = [];
  };
  const now = Date.now();
  for await (const blob of project.blobs.list()) {
    if (now - blob.modifiedAt < graceMs) continue;
    batch.push(blob);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return { count, bytes };
}

/**
 * What a kept run was launched with and what a task names. All others are garbage: a step's package is made again
 * when it is needed; a task's could not be, since its script may have changed.
 */
async function neededPackages(project: Project): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const run of await project.store.findRuns({ limit: Number.MAX_SAFE_INTEGER })) {
    const launch = await readLaunch(project, run.id).catch(unlessBroken);
    for (const hash of launch?.packages.values() ?? []) needed.add(hash.replace('sha256:', ''));
  }
  for (const record of await project.store.findTasks({ steps: true })) {
    const { script } = record;
    if (script?.package !== undefined) needed.add(script.package.replace('sha256:', ''));
    if (script?.launch === undefined) continue;
    const draft = await readDraft(project, record).catch(unlessBroken);
    for (const [, hash] of draft?.packages ?? []) needed.add(hash.replace('sha256:', ''));
  }
  return needed;
}

/** Some left nothing to be executed. A store that cannot be read says nothing about what is needed. */
function unlessBroken(error: unknown): undefined {
  if (isRunPipelineError(error) && error.kind === 'store' && error.code !== 'launch-missing') throw error;
  return undefined;
}

/** Of those that machines get from each other. Whoever has just published one may be about to name it. */
async function removeShared(
  { packages }: Project,
  needed: ReadonlySet<string>,
  { dryRun, graceMs }: Sweep,
): Promise<number> {
  if (packages === undefined) return 0;
  let removed = 0;
  for await (const { hash, ageMs } of packages.list()) {
    if (ageMs < graceMs + PACKAGE_IDLE_MS || needed.has(hash.replace('sha256:', ''))) continue;
    removed += 1;
    if (!dryRun) await packages.delete(hash);
  }
  return removed;
}

async function removePackages(
  project: Project,
  needed: ReadonlySet<string>,
  { dryRun, graceMs }: Sweep,
): Promise<number> {
  const directory = join(project.home, 'packages');
  const present = new Set<string>(await readdir(directory).catch(() => []));
  let removed = 0;
  for (const name of present) {
    if (
      needed.has(name.replace(/\.mjs$|\.[0-9a-f]+\.sig$/, '')) ||
      !(await isOlder(join(directory, name), graceMs))
    )
      continue;
    // The assets of a package lie beside it, in a directory of its name, and so do signatures.
    const isBeside = name.endsWith('.sig') || present.has(`${name}.mjs`);
    if (!isBeside) removed += 1;
    if (!dryRun) await rm(join(directory, name), { recursive: true, force: true });
  }
  return removed;
}

async function removeOld(directory: string, graceMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    if (!(await isOlder(join(directory, name), graceMs))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** What others made lies there, whatever its files are called; these rooms clean up themselves. */
const FOREIGN = new Set(['environments', 'storage', 'blobs', ASSET_TREES]);

/** Files of the cache that were never renamed into place. */
async function removeUnfinished(directory: string, graceMs: number): Promise<number> {
  let removed = 0;
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    if (FOREIGN.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) removed += await removeUnfinished(path, graceMs);
    else if (entry.name.endsWith('.tmp') && (await isOlder(path, graceMs))) {
      await rm(path, { force: true });
      removed += 1;
    }
  }
  return removed;
}

async function isOlder(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs >= ms;
}
