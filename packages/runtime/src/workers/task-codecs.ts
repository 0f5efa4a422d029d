import { packagePath } from './package-map.js';

/**
 * Codecs that a package registers belong to its task: the next task's package registers its own, and must
 * not find those of another. Codecs that an npm package registers while it is loaded stay, because it is
 * loaded once a process. The registry of the artifacts room is replaced by one that tells them apart.
 */
const CODECS = Symbol.for('run-pipeline.codecs');
type Holder = { [CODECS]?: Map<string, unknown> };

/** Returns how to take back what code of this package registers from now on. */
export function keepTaskCodecs(packageFile: string): () => void {
  const holder = globalThis as Holder;
  const before = holder[CODECS] ?? new Map<string, unknown>();
  const replaced = new Map<string, unknown>();
  holder[CODECS] = new TaskCodecs(before, (id, previous) => {
    if (!replaced.has(id) && calledFrom(packageFile)) replaced.set(id, previous);
  });
  return () => {
    const after = new Map(holder[CODECS] ?? []);
    for (const [id, previous] of replaced) {
      if (previous === undefined) after.delete(id);
      else after.set(id, previous);
    }
    holder[CODECS] = after;
  };
}

class TaskCodecs extends Map<string, unknown> {
  readonly #onSet: (id: string, previous: unknown) => void;

  constructor(before: ReadonlyMap<string, unknown>, onSet: (id: string, previous: unknown) => void) {
    super();
    this.#onSet = onSet;
    for (const [id, codec] of before) super.set(id, codec);
  }

  override set(id: string, codec: unknown): this {
    this.#onSet(id, this.get(id));
    return super.set(id, codec);
  }
}

/** Whether a function of this file is on the stack. Modules that it imports are evaluated without it. */
function calledFrom(file: string): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 100;
    Error.prepareStackTrace = (_error, frames) => frames.map((frame) => frame.getFileName() ?? '');
    const files = new Error().stack as unknown as readonly string[];
    return files.some((name) => name.includes('?task=') && packagePath(name) === file);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
