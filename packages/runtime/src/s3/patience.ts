import { setTimeout as delay } from 'node:timers/promises';
import { RunPipelineError } from '@run-pipeline/core/model';

/** How long a server is waited for. Every operation ends: done, refused, or with `given up`. */
export interface Patience {
  /** Milliseconds for which an operation that gets no further is tried, first and last. */
  readonly totalMs: number;
  /** Milliseconds that one request may stand still. */
  readonly stallMs: number;
  /** Before the second try; doubled each time, with chance. */
  readonly backoffMs: number;
}

const DEFAULT_MS = 60_000;
const SHORTEST_MS = 100;
const STALL_MS = 20_000;
const BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 5_000;
/** What is slower than this is no progress. */
const LEAST_BYTES_PER_SECOND = 64 * 1024;

/** `RUN_PIPELINE_BLOBS_PATIENCE_MS` sets the whole; one request gets a third of it, as long as it moves. */
export function patienceOf(env: Readonly<Record<string, string | undefined>>): Patience {
  const totalMs = totalOf(env['RUN_PIPELINE_BLOBS_PATIENCE_MS']?.trim() ?? '');
  return {
    totalMs,
    stallMs: Math.min(STALL_MS, Math.ceil(totalMs / 3)),
    backoffMs: Math.min(BACKOFF_MS, totalMs / 20),
  };
}

function totalOf(text: string): number {
  if (text === '') return DEFAULT_MS;
  if (/^\d+$/.test(text) && Number(text) >= SHORTEST_MS) return Number(text);
  throw new RunPipelineError({
    kind: 'usage',
    code: 'setting',
    message: `RUN_PIPELINE_BLOBS_PATIENCE_MS=${text} is no number of milliseconds from ${SHORTEST_MS} on`,
    help: `leave it out to wait ${DEFAULT_MS / 1000} s for S3`,
  });
}

/** Milliseconds that so many bytes may take. */
export const transferMs = (bytes: number): number => (bytes / LEAST_BYTES_PER_SECOND) * 1000;

/** A request took longer than it may. */
export class RequestTimeout extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Tries a request until it succeeds, fails for a reason that does not pass, or has had its time. Each try has a
 * signal of its own, which ends a request that stands still.
 */
export async function insist<T>(options: {
  readonly patience: Patience;
  /** How many bytes go with it: they take their time. */
  readonly bytes: number;
  readonly passes: (error: unknown) => boolean;
  readonly work: (signal: AbortSignal) => Promise<T>;
}): Promise<T> {
  const { patience, bytes, passes, work } = options;
  const until = performance.now() + patience.totalMs + transferMs(bytes);
  for (let tries = 0; ; tries += 1) {
    try {
      return await within(
        Math.min(patience.stallMs + transferMs(bytes), Math.max(1, until - performance.now())),
        work,
      );
    } catch (error) {
      const pause = backoff(patience, tries);
      if (!passes(error) || performance.now() + pause >= until) throw error;
      await delay(pause);
    }
  }
}

export const backoff = ({ backoffMs }: Patience, tries: number): number =>
  Math.min(backoffMs * 2 ** tries, LONGEST_BACKOFF_MS) * (0.5 + Math.random() / 2);

/** The work ends with it, also one that does not listen. */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const error = new RequestTimeout(`no answer for ${Math.round(ms / 100) / 10} s`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort(error);
      reject(error);
    }, ms);
  });
  try {
    const working = work(controller.signal);
    working.catch(() => {}); // where `late` was first
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}
