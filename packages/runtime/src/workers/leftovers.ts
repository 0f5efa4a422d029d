import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
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

  /** Call when the package has been evaluated; the result tells, after the task, what is new. */
  watch(): () => Promise<readonly string[]> {
    const resources = activeResources();
    const globals = globalValues();
    const threads = new Set(this.#threads);
    return async () => {
      const found = this.#found(resources, threads, globals);
      if (found.length === 0) return found;
      // A closing socket or file needs a turn or two of the loop.
      await delay(10);
      return this.#found(resources, threads, globals);
    };
  }

  #found(resources: Counts, threads: ReadonlySet<Worker>, globals: GlobalValues): readonly string[] {
    const now = activeResources();
    return [
      ...[...now].filter(([type, count]) => count > (resources.get(type) ?? 0)).map(([type]) => type),
      ...[...this.#threads].filter((thread) => !threads.has(thread)).map(() => 'thread'),
      ...childProcesses().map((pid) => `child process ${pid}`),
      ...changedGlobals(globals).map((name) => `global ${name}`),
    ];
  }
}

type Counts = ReadonlyMap<string, number>;

/** What a finished task may still have open for a moment, and what is ours. */
const PASSING = new Set([
  'CloseReq',
  'FSReqCallback',
  'FSReqPromise',
  'WriteWrap',
  'SimpleWriteWrap',
  'Immediate',
]);

function activeResources(): Counts {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (!PASSING.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
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
