import { digest, type TaskPackage } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import { existsSync } from 'node:fs';
import pLimit from 'p-limit';
import type { PackagePlace } from '../project/project.js';
import { packPackage, unpackPackage } from './package-archive.js';
import { packageFile } from './package-file.js';
import { publishSignature } from './signatures.js';
import { placePackage, readAssets, readPackage, readTexts } from './write-packages.js';

/*
 * Packages between machines. Who makes a package publishes it before anything is committed that names it; who needs
 * one gets it, verified, and keeps it in his own home. With one machine there is nothing to do.
 */

/** A package of a pipeline that runs all the time is written once a day. */
const FRESH_MS = 24 * 60 * 60 * 1000;
/** How long a process relies on what it published, or saw. */
const REMEMBERED_MS = FRESH_MS / 2;
/** Milliseconds after which a package that nobody names is one that nobody is about to name, either. */
export const PACKAGE_IDLE_MS = 2 * FRESH_MS;
const PARALLEL = 32;

interface Known {
  /** Published by this process, or seen to be new enough. */
  readonly published: Map<string, { readonly at: number; readonly done: Promise<void> }>;
  /** On their way here. */
  readonly coming: Map<string, Promise<TaskPackage | undefined>>;
  readonly few: ReturnType<typeof pLimit>;
}
const known = new WeakMap<PackageStore, Known>();

function knownOf(packages: PackageStore): Known {
  let found = known.get(packages);
  if (found === undefined) {
    found = { published: new Map(), coming: new Map(), few: pLimit(PARALLEL) };
    known.set(packages, found);
  }
  return found;
}

/** Resolves when every machine can get them. One that is not in this home was published by whoever made it. */
export async function publishPackages(place: PackagePlace, hashes: Iterable<string>): Promise<void> {
  const { packages } = place;
  if (packages === undefined) return;
  const { published, few } = knownOf(packages);
  await Promise.all(
    [...new Set(hashes)].map((hash) => {
      const before = published.get(hash);
      const at = performance.now();
      if (before !== undefined && at - before.at < REMEMBERED_MS) return before.done;
      const done = few(() => publish(place, packages, digest(hash)));
      published.set(hash, { at, done });
      done.catch(() => published.delete(hash));
      return done;
    }),
  );
}

async function publish(
  place: PackagePlace,
  packages: PackageStore,
  hash: TaskPackage['hash'],
): Promise<void> {
  if (!existsSync(packageFile(place, hash))) return;
  const age = await packages.age(hash);
  const isFresh = age !== undefined && age < FRESH_MS;
  if (!isFresh) {
    const texts = readTexts(place, hash);
    if (texts === undefined) return; // damaged: whoever executes it says so
    await packages.write(hash, packPackage({ texts, assets: readAssets(texts.task) }));
  }
  await publishSignature(place, packages, { hash, again: !isFresh });
}

/** The package, from this home or from where it was published, verified; undefined when it is missing or damaged. */
export async function ensurePackage(
  place: PackagePlace,
  hash: TaskPackage['hash'],
): Promise<TaskPackage | undefined> {
  const here = readPackage(place, hash);
  const { packages } = place;
  if (here !== undefined || packages === undefined) return here;
  const { coming, few } = knownOf(packages);
  let getting = coming.get(hash);
  if (getting === undefined) {
    getting = few(() => get(place, packages, hash)).finally(() => coming.delete(hash));
    coming.set(hash, getting);
  }
  return getting;
}

async function get(
  place: PackagePlace,
  packages: PackageStore,
  hash: TaskPackage['hash'],
): Promise<TaskPackage | undefined> {
  // It may have been damaged on its way: only what comes so twice is.
  for (let tries = 1; tries <= 2; tries += 1) {
    const bytes = await packages.read(hash);
    if (bytes === undefined) return undefined;
    const packed = unpackPackage(hash, bytes);
    if (packed !== undefined) return placePackage(place, hash, packed);
  }
  // Nobody can use it, and as long as it is there nobody publishes it again.
  await packages.delete(hash);
  return undefined;
}
