import { setTimeout as delay } from 'node:timers/promises';
import { isRunPipelineError } from '@run-pipeline/core/model';
import type { BlobStore, Store, TaskQueue } from '@run-pipeline/core/ports';

/** What passes: another process holds the file, the disk is full, a network disk hiccups, a server is away. */
const PASSING: ReadonlySet<string> = new Set([
  'store-busy',
  'disk-full',
  'store-io',
  'store-unreachable',
  'blobs-unreachable',
]);
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface PatienceOptions {
  /** Aborted when there is no time left: what fails then, fails. */
  readonly giveUp: AbortSignal;
  /** Called once for each stretch of trouble. */
  readonly onTrouble: (message: string) => void;
  readonly onBack: () => void;
}

/**
 * The store, a queue that reads it, and blobs, for those who must not lose what they have to say: an operation that
 * fails for a reason that passes is tried again until it is done. A rejected operation has recorded nothing, so
 * trying again is safe; and whoever lost his right meanwhile is refused by his fence.
 */
export function patience(
  options: PatienceOptions,
): <T extends Store | TaskQueue | BlobStore>(patient: T) => T {
  const trouble = new Trouble(options);
  return (patient) => patiently(patient, trouble, options.giveUp);
}

function patiently<T extends object>(patient: T, trouble: Trouble, giveUp: AbortSignal): T {
  const operations = new Map<PropertyKey, unknown>();
  return new Proxy(patient, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      let operation = operations.get(key);
      if (operation === undefined) {
        operation = WITHOUT_TRYING.has(key)
          ? value.bind(target)
          : (...given: unknown[]) =>
              insist(() => Reflect.apply(value, target, given) as unknown, trouble, giveUp);
        operations.set(key, operation);
      }
      return operation;
    },
  });
}

/** Not promises of an outcome. */
const WITHOUT_TRYING: ReadonlySet<PropertyKey> = new Set<keyof Store | keyof BlobStore>([
  'watch',
  'close',
  'list',
]);

async function insist(operation: () => unknown, trouble: Trouble, giveUp: AbortSignal): Promise<unknown> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const result = await operation();
      trouble.over();
      return result;
    } catch (error) {
      if (!passes(error) || giveUp.aborted) throw error;
      trouble.met(error);
    }
    // Aborted: one more try, then it fails.
    await delay(pause, undefined, { signal: giveUp }).catch(() => undefined);
  }
}

const passes = (error: unknown): error is Error => isRunPipelineError(error) && PASSING.has(error.code);

class Trouble {
  readonly #tell: { readonly onTrouble: (message: string) => void; readonly onBack: () => void };
  #inTrouble = false;

  constructor(tell: { readonly onTrouble: (message: string) => void; readonly onBack: () => void }) {
    this.#tell = tell;
  }

  met(error: Error): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#tell.onTrouble(error.message);
  }

  over(): void {
    if (!this.#inTrouble) return;
    this.#inTrouble = false;
    this.#tell.onBack();
  }
}
