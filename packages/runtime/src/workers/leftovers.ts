import { readFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/**
 * Notices what a step leaves behind in its process: timers, sockets, child processes, threads, changed
 * globals. Such a process is not used for another task, because the rest of this one could write into
 * it. Not noticed: handles that the step has unreferenced itself, and what it changed inside packages.
 */
export class LeftoverDetector {
  readonly #threads = new Set<Worker>();

  constructor() {
    // `process.on('worker')` is how Node tells of threads; they are not among its active resources.
    process.on('worker', (thread: Worker) => {
      this.#threads.add(thread);
      thread.once('exit', () => this.#threads.delete(thread));
    });
  }

  /**
   * Call before the task, and with `globals` when its package has been evaluated (packages register
   * themselves there); the result tells, after the task, what is new.
   */
  watch(options: { readonly globals: boolean }): () => Promise<readonly string[]> {
    // What passes by itself is not there to stay: it excuses nothing later.
    const resources = new Map([...activeResources()].filter(([type]) => !PASSING.test(type)));
    const globals = options.globals ? globalValues() : undefined;
    const threads = new Set(this.#threads);
    return async () => {
      let found = this.#found(resources, threads, globals);
      // A closing socket or file needs a turn or two of the loop, a slow one some milliseconds.
      for (const wait of [turn, turn, () => delay(10)]) {
        if (found.length === 0) break;
        await wait();
        found = this.#found(resources, threads, globals);
      }
      return found;
    };
  }

  #found(
    resources: Counts,
    threads: ReadonlySet<Worker>,
    globals: GlobalValues | undefined,
  ): readonly string[] {
    const now = activeResources();
    return [
      ...[...now].filter(([type, count]) => count > (resources.get(type) ?? 0)).map(([type]) => type),
      ...[...this.#threads].filter((thread) => !threads.has(thread)).map(() => 'thread'),
      ...childProcesses().map((pid) => `child process ${pid}`),
      ...(globals === undefined ? [] : changedGlobals(globals)).map((name) => `global ${name}`),
    ];
  }
}

type Counts = ReadonlyMap<string, number>;

/** Requests, unlike handles, end by themselves. */
const PASSING = /Req|Immediate|WriteWrap|ShutdownWrap|ConnectWrap/;
/** Messages to the controller that are still being written. */
const OURS = new Set(['WriteWrap', 'SimpleWriteWrap']);

function activeResources(): Counts {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (!OURS.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

/** Linux tells of unreferenced children too; elsewhere only the referenced ones are noticed. */
function childProcesses(): readonly string[] {
  if (process.platform !== 'linux') return [];
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ');
  } catch {
    // The kernel may have been built without it.
    return [];
  }
}

type GlobalValues = readonly ReadonlyMap<PropertyKey, unknown>[];

/** What steps are seen to change: globals, and the built-ins that tests and polyfills patch. */
const WATCHED: readonly (readonly [name: string, object: object])[] = [
  ['globalThis', globalThis],
  ['console', console],
  ['Math', Math],
  ['Date', Date],
  ['JSON', JSON],
  ['Object.prototype', Object.prototype],
  ['Array.prototype', Array.prototype],
];

function globalValues(): GlobalValues {
  return WATCHED.map(([, object]) => {
    const values = new Map<PropertyKey, unknown>();
    for (const key of Reflect.ownKeys(object)) values.set(key, valueOf(object, key));
    return values;
  });
}

const ACCESSOR = Symbol('accessor');

/** Without calling getters: those of `globalThis` load parts of Node. */
function valueOf(object: object, key: PropertyKey): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  return property === undefined || property.get !== undefined ? ACCESSOR : property.value;
}

function changedGlobals(before: GlobalValues): readonly string[] {
  const changed: string[] = [];
  WATCHED.forEach(([name, object], index) => {
    const values = before[index];
    for (const key of Reflect.ownKeys(object)) {
      // Symbols are how packages keep registries that outlive a task; ours too.
      if (typeof key === 'symbol') continue;
      const known = values?.has(key) === true;
      const value = values?.get(key);
      // A lazy getter of Node becomes a value on first use.
      if (known && (value === ACCESSOR || Object.is(value, valueOf(object, key)))) continue;
      changed.push(`${name}.${key as string}`);
    }
  });
  return changed;
}
