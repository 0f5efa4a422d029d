/**
 * Source that test pipelines share; it goes into their project as `trace.ts`.
 *
 * `trace(word)` appends a line to `trace.txt` in the invoking directory, so that executions are counted
 * whichever process made them. `meet(name, other)` returns when both are inside it at once: steps that
 * do not overlap never meet.
 */
export const TRACE = {
  'trace.ts': `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

export function trace(word: string): void {
  appendFileSync('trace.txt', word + '\\n');
}

export async function appears(file: string, signal?: AbortSignal): Promise<void> {
  for (let waited = 0; !existsSync(file); waited += 20) {
    signal?.throwIfAborted();
    if (waited > 20_000) throw new Error(file + ' did not appear');
    await setTimeout(20);
  }
}

export async function meet(name: string, other: string): Promise<string> {
  writeFileSync(name + '.here', '');
  await appears(other + '.here');
  return name;
}
`,
};
