import type { ConsoleLine } from '@run-pipeline/core/run-view';
import { PLAIN, lookAfter, type Look } from './ansi.js';

/** How each of these lines begins: a stream goes on as its line before left it. Undefined: not read yet. */
export function looksOf(lines: readonly (ConsoleLine | undefined)[]): readonly Look[] {
  const now: Record<ConsoleLine['stream'], Look> = { stdout: PLAIN, stderr: PLAIN };
  return lines.map((line) => {
    if (line === undefined) return PLAIN;
    const begins = now[line.stream];
    now[line.stream] = lookAfter(line.text, begins);
    return begins;
  });
}
