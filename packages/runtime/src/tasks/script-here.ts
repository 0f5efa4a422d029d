import type { ScriptTask } from './script-task.js';

// One script, one task. On globalThis, because a program may load this package twice.
const SCRIPT = Symbol.for('run-pipeline.script-task');
interface Holder {
  [SCRIPT]?: { readonly starting: Promise<ScriptTask>; started?: ScriptTask };
}

/** The task of this process, when `Task.init` has started one and it has not ended. */
export function scriptHere(): ScriptTask | undefined {
  const started = (globalThis as Holder)[SCRIPT]?.started;
  return started?.ended === true ? undefined : started;
}

/** Of a `Task.init` that is about to start one, or has. */
export const scriptStarting = (): Promise<ScriptTask> | undefined => (globalThis as Holder)[SCRIPT]?.starting;

/** Told at once: a `Task.init` right after it finds it. */
export async function setScriptHere(starting: Promise<ScriptTask>): Promise<ScriptTask> {
  const holder = globalThis as Holder;
  const entry: Holder[typeof SCRIPT] & object = { starting };
  holder[SCRIPT] = entry;
  try {
    entry.started = await starting;
    return entry.started;
  } catch (error) {
    // What could not be started may be tried again.
    delete holder[SCRIPT];
    throw error;
  }
}
