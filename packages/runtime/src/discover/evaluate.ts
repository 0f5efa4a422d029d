import { AsyncLocalStorage } from 'node:async_hooks';
import { pathToFileURL } from 'node:url';
import {
  setRunHost,
  type PipelineTasks,
  type Run,
  type RunHost,
  type RunOptions,
} from '@run-pipeline/core/define';
import type { RunEvent } from '@run-pipeline/core/model';
import { EXPORTS_HOOK } from './placeholder.js';
import { strayFailures } from './stray-failures.js';

/** What came out of evaluating a file. */
export interface Evaluation {
  /** Of a file that was left at its own `await pipe.start()`: those that are set already. */
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Set in everything that a file sets going by being evaluated, timers and promises too. */
const evaluation = new AsyncLocalStorage<symbol>();

/**
 * Imports the executable file, always anew. While it runs, and after, `pipe.start()` and `run(…)` go to
 * `onStart`. When starts never settle (plan, check, graph), a file that awaits one is done there.
 */
export async function evaluate(options: {
  readonly executable: string;
  /** The user's file, as its bundle names it. */
  readonly file: string;
  /** What `process.argv[1]` says: where that file seems to be. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly onStart: (
    subject: object,
    options: RunOptions,
    exports: () => Readonly<Record<string, unknown>>,
    observer: ((event: RunEvent) => void) | undefined,
  ) => Promise<Run> | undefined;
  /**
   * Serves whoever runs or drafts pipelines in this process but is not the file being evaluated: bodies and
   * callbacks. What the file itself starts (it was a program once, when it is evaluated again for a run that
   * goes on here) must not happen, now or later.
   */
  readonly later?: RunHost | undefined;
  /** Pipelines as tasks, for a file that is run. */
  readonly pipelines?: PipelineTasks | undefined;
  /** Whether there is nothing to work with yet, so that waiting for a late start makes sense. */
  readonly isIncomplete: (exports: Readonly<Record<string, unknown>>) => boolean;
}): Promise<Evaluation> {
  let exportsSoFar: () => Readonly<Record<string, unknown>> = () => ({});
  let startedUnsettled: () => void = () => {};
  let startedAny: () => void = () => {};
  const unsettledStart = new Promise<void>((resolve) => (startedUnsettled = resolve));
  const anyStart = new Promise<void>((resolve) => (startedAny = resolve));

  const stray = strayFailures(options.file);
  const restoreHook = installHook(options.file, (exports) => (exportsSoFar = exports));
  const own = Symbol('evaluation');
  const { later } = options;
  const goesLater = (): boolean => later !== undefined && evaluation.getStore() !== own;
  const start = (
    subject: object,
    runOptions: RunOptions,
    observer: ((event: RunEvent) => void) | undefined,
  ): Promise<Run> => {
    startedAny();
    stray.stop(); // from here on the process is the run's
    const answer = options.onStart(subject, runOptions, () => settledExports(exportsSoFar()), observer);
    return answer ?? leave();
  };
  /** The file is done where it waits for this. */
  const leave = (): Promise<never> => {
    startedAny();
    startedUnsettled();
    return new Promise<never>(() => {});
  };
  setRunHost({
    run: (subject, runOptions, observer) =>
      goesLater() ? later!.run(subject, runOptions, observer) : start(subject, runOptions, observer),
    get pipelines(): PipelineTasks | undefined {
      if (goesLater()) return later!.pipelines;
      if (later === undefined && options.pipelines !== undefined) return options.pipelines;
      // Of a file that is only looked at, or was done with as a program: looking there is harmless.
      const find = later?.pipelines?.find ?? leave;
      const draft = async (subject: object) => (await start(subject, {}, undefined)) as never;
      return { find, draft, clone: leave, enqueue: leave };
    },
  });
  // What the file sees when it looks at its arguments, as if it were the program.
  process.argv = [process.argv[0] ?? process.execPath, options.program, ...options.argv];

  const handlesBefore = activity().handles;
  try {
    const whole = evaluation.run(
      own,
      () =>
        import(/* @vite-ignore */ freshUrl(options.executable)) as Promise<Readonly<Record<string, unknown>>>,
    );
    const exports = await Promise.race([whole, stray.failed, unsettledStart.then(afterTurns)]);
    if (exports === undefined) {
      whole.catch(() => {}); // the file is left where it waits
      return { exports: settledExports(exportsSoFar()) };
    }
    // `void main()` may come to its pipeline only after the file has been evaluated.
    if (options.isIncomplete(exports)) await Promise.race([anyStart, stray.failed, isIdle(handlesBefore)]);
    return { exports: { ...exports } };
  } finally {
    stray.stop();
    restoreHook();
  }
}

/** Modules are never unloaded: a second evaluation in this process needs another URL. */
function freshUrl(executable: string): string {
  const url = pathToFileURL(executable);
  const count = (evaluations.get(url.href) ?? 0) + 1;
  evaluations.set(url.href, count);
  if (count > 1) url.search = `?run=${count}`;
  return url.href;
}
const evaluations = new Map<string, number>();

/** Lets what the file still does without waiting (an unawaited start at its end) come through. */
async function afterTurns(): Promise<undefined> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  return undefined;
}

/**
 * Nothing of the file's is going on any more: no request is under way, and there are no more timers
 * and handles than before it, for a few looks in a row (between two reads there is a moment of
 * nothing). Bounded, for a file that keeps a server open.
 */
async function isIdle(handlesBefore: number): Promise<void> {
  const deadline = performance.now() + LATE_START_MS;
  for (let looks = 0; looks < IDLE_LOOKS && performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { requests, handles } = activity();
    looks = requests === 0 && handles <= handlesBefore ? looks + 1 : 0;
  }
}
const LATE_START_MS = 10_000;
const IDLE_LOOKS = 4;

function activity(): { readonly requests: number; readonly handles: number } {
  const active = process.getActiveResourcesInfo();
  const requests = active.filter((name) => /Req/.test(name)).length;
  return { requests, handles: active.length - requests };
}

type Hook = (file: string, exports: () => Readonly<Record<string, unknown>>) => void;

function installHook(
  file: string,
  receive: (exports: () => Readonly<Record<string, unknown>>) => void,
): () => void {
  const holder = globalThis as unknown as Record<symbol, Hook | undefined>;
  const key = Symbol.for(EXPORTS_HOOK);
  const previous = holder[key];
  holder[key] = (from, exports) => (from === file ? receive(exports) : previous?.(from, exports));
  return () => {
    holder[key] = previous;
  };
}

/** Without the bindings that are not initialised yet (reading one throws). */
function settledExports(exports: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const settled: Record<string, unknown> = {};
  for (const name of Object.keys(exports)) {
    try {
      settled[name] = exports[name];
    } catch {
      // still in its temporal dead zone
    }
  }
  return settled;
}
