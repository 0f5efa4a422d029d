/** What owns blobs, row by row, no pair twice. */
export type Owned<Owner> = readonly (readonly [owner: Owner, hash: string])[];
export type Victim = readonly [kind: 'run' | 'entry', n: number];

/**
 * Extends what is removed with the oldest of the rest until at most `maxSize` bytes stay
 * referenced. Counts references in memory: one pass, whatever the number of victims.
 */
export function shrink(options: {
  readonly runBlobs: Owned<number>;
  readonly entryBlobs: Owned<number>;
  readonly taskBlobs: Owned<string>;
  readonly sizes: ReadonlyMap<string, number>;
  /** What may go, the one to go first first. */
  readonly victims: readonly Victim[];
  /** What goes already. */
  readonly runs: readonly number[];
  readonly entries: readonly number[];
  readonly tasks: readonly string[];
  readonly maxSize: number;
}): { readonly runs: readonly number[]; readonly entries: readonly number[] } {
  const { sizes, victims, maxSize } = options;
  const runs = [...options.runs];
  const entries = [...options.entries];
  const runBlobs = byOwner(options.runBlobs);
  const entryBlobs = byOwner(options.entryBlobs);
  const taskBlobs = byOwner(options.taskBlobs);
  const references = new Map<string, number>();
  for (const owners of [runBlobs, entryBlobs, taskBlobs]) {
    for (const hashes of owners.values())
      for (const hash of hashes) references.set(hash, (references.get(hash) ?? 0) + 1);
  }
  let total = 0;
  for (const hash of references.keys()) total += sizes.get(hash) ?? 0;
  const release = (hashes: readonly string[] = []): void => {
    for (const hash of hashes) {
      const left = (references.get(hash) ?? 0) - 1;
      references.set(hash, left);
      if (left === 0) total -= sizes.get(hash) ?? 0;
    }
  };
  for (const n of runs) release(runBlobs.get(n));
  for (const n of entries) release(entryBlobs.get(n));
  for (const task of options.tasks) release(taskBlobs.get(task));

  const gone = { run: new Set(runs), entry: new Set(entries) };
  // What stays whatever we remove: a victim that holds only such blobs would be lost for nothing.
  const removable = new Set(victims.map(([kind, n]) => `${kind} ${n}`));
  const stays = new Set<string>();
  for (const [n, hashes] of runBlobs) {
    if (!removable.has(`run ${n}`) && !gone.run.has(n)) for (const hash of hashes) stays.add(hash);
  }
  const goneTasks = new Set(options.tasks);
  for (const [task, hashes] of taskBlobs) {
    if (!goneTasks.has(task)) for (const hash of hashes) stays.add(hash);
  }
  for (const [kind, n] of victims) {
    if (total <= maxSize) break;
    const hashes = (kind === 'run' ? runBlobs : entryBlobs).get(n) ?? [];
    if (gone[kind].has(n) || hashes.every((hash) => stays.has(hash))) continue;
    (kind === 'run' ? runs : entries).push(n);
    release(hashes);
  }
  return { runs, entries };
}

function byOwner<Owner>(owned: Owned<Owner>): ReadonlyMap<Owner, string[]> {
  const owners = new Map<Owner, string[]>();
  for (const [owner, hash] of owned) {
    const hashes = owners.get(owner);
    if (hashes === undefined) owners.set(owner, [hash]);
    else hashes.push(hash);
  }
  return owners;
}
