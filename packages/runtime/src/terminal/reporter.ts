import type { RunEvent } from '@run-pipeline/core/model';
import type { Progress } from './progress.js';
import type { ScreenOutput } from './screen.js';
import type { Style } from './style.js';

/** How a run is shown while it goes on. One of `live`, `stream`, `quiet`. */
export interface Reporter {
  readonly progress: Progress;
  event(event: RunEvent): void;
  /** What happened before (of a resumed run): counted, not shown. */
  recall(event: RunEvent): void;
  /** Lines that do not come from a step: warnings, notices, what the user's own controller prints. */
  note(text: string): void;
  /** Takes the footer away for now: this process is about to be suspended. */
  hide(): void;
  /** Takes the footer away, for good. Idempotent, and safe from an exit handler. */
  close(): void;
  /** The last lines of a step's output, ready to print. */
  tail(step: string): readonly string[];
}

export interface ReporterOptions {
  readonly out: ScreenOutput;
  readonly style: Style;
  /** Milliseconds; monotonic. */
  readonly now: () => number;
}

export type OutputMode = 'live' | 'stream' | 'quiet';

/** `auto`: live on a terminal that can move its cursor and is watched by a person, else stream. */
export function chooseMode(
  wanted: 'auto' | OutputMode,
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv,
): OutputMode {
  if (wanted !== 'auto' && wanted !== 'live') return wanted;
  const able = stream.isTTY === true && env['TERM'] !== 'dumb';
  if (wanted === 'live') return able ? 'live' : 'stream';
  const ci = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
  return able && !ci && env['GITHUB_ACTIONS'] !== 'true' ? 'live' : 'stream';
}
