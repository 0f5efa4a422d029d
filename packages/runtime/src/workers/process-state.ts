import type { TaskRequest } from './protocol.js';

/**
 * What of a process belongs to one task (INVARIANTS 7): environment, working directory, umask, listeners on
 * `process`, exit code. `enter` sets it, the function it returns puts everything back.
 */
export function enterTask(
  request: Pick<TaskRequest, 'env' | 'cwd'>,
  options: { readonly restoreEnv: boolean },
): () => void {
  const before = {
    env: options.restoreEnv ? { ...process.env } : undefined,
    cwd: process.cwd(),
    umask: process.umask(),
    exitCode: process.exitCode,
    title: process.title,
    listeners: listenersOf(process),
    exit: process.exit,
    stackTraceLimit: Error.stackTraceLimit,
    stdout: process.stdout.write,
    stderr: process.stderr.write,
  };
  const leave = (): void => {
    restoreListeners(process, before.listeners);
    if (before.env !== undefined) replaceEnv(before.env);
    Error.stackTraceLimit = before.stackTraceLimit;
    if (process.exit !== before.exit) process.exit = before.exit;
    if (process.stdout.write !== before.stdout) process.stdout.write = before.stdout;
    if (process.stderr.write !== before.stderr) process.stderr.write = before.stderr;
    process.exitCode = before.exitCode;
    process.umask(before.umask);
    if (process.title !== before.title) process.title = before.title;
    if (currentDirectory() !== before.cwd) process.chdir(before.cwd);
  };
  try {
    replaceEnv(request.env);
    if (request.cwd !== before.cwd) process.chdir(request.cwd);
  } catch (error) {
    leave();
    throw error;
  }
  return leave;
}

/** `undefined` when the step has removed the directory it stood in. */
function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

function replaceEnv(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) {
    if (!Object.hasOwn(env, name)) delete process.env[name];
  }
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && process.env[name] !== value) process.env[name] = value;
  }
}

type Listener = (...args: unknown[]) => void;
type Listeners = ReadonlyMap<string | symbol, readonly Listener[]>;

function listenersOf(emitter: NodeJS.EventEmitter): Listeners {
  // `rawListeners` keeps the wrappers of `once`, so that putting one back keeps its meaning.
  return new Map(emitter.eventNames().map((event) => [event, emitter.rawListeners(event) as Listener[]]));
}

function restoreListeners(emitter: NodeJS.EventEmitter, before: Listeners): void {
  for (const event of new Set([...emitter.eventNames(), ...before.keys()])) {
    const wanted = before.get(event) ?? [];
    const present = emitter.rawListeners(event) as Listener[];
    if (present.length === wanted.length && present.every((listener, index) => listener === wanted[index]))
      continue;
    emitter.removeAllListeners(event);
    for (const listener of wanted) emitter.on(event, listener);
  }
}
