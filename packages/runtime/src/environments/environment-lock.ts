import { RunPipelineError } from '@run-pipeline/core/model';

/** An entry of a package's `lock.json`, by where it is installed (`node_modules/a/node_modules/b`). */
export interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package's `lock.json`: shaped as package-lock.json, with nothing in it that belongs to one machine. */
export interface EnvironmentLock {
  readonly text: string;
  /** What the task imports itself, by the names under which it is installed. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** All that is installed, by place. */
  readonly entries: ReadonlyMap<string, LockEntry>;
  /** What cannot be installed from it, and why. */
  readonly unavailable: readonly { readonly package: string; readonly why: string }[];
}

export function readLock(text: string): EnvironmentLock {
  let json: {
    readonly packages?: Readonly<Record<string, LockEntry>>;
    readonly unavailable?: EnvironmentLock['unavailable'];
  };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw damaged(cause);
  }
  const { '': root, ...packages } = json.packages ?? {};
  if (root === undefined) throw damaged(undefined);
  return {
    text,
    dependencies: root.dependencies ?? {},
    entries: new Map(Object.entries(packages)),
    unavailable: json.unavailable ?? [],
  };
}

/** The npm name of what lies at a place: the last part, unless the entry says otherwise (an alias). */
export function packageName(place: string, entry: LockEntry): string {
  return entry.name ?? place.slice(place.lastIndexOf(NODE_MODULES) + NODE_MODULES.length);
}
const NODE_MODULES = 'node_modules/';

const damaged = (cause: unknown): RunPipelineError =>
  new RunPipelineError({
    kind: 'load',
    code: 'environment-lock',
    message: 'the lockfile of the task package cannot be read',
    help: 'run the pipeline again from its file: its packages are then made anew',
    cause,
  });
