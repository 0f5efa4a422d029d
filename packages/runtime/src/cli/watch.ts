import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, watch as watchDirectory, type FSWatcher } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { constants } from 'node:os';
import type { LoadedFile } from '../discover/discovery.js';
import { human, printLines, type Context } from './context.js';
import { dataFiles } from './data-files.js';
import { splitFile } from './engine-options.js';

/** Editors write a file in several steps; a run starts when they are done. */
const SETTLE_MS = 120;
const SOURCE = /\.(?:[mc]?[jt]s|tsx|json)$/;
/** Bytes; of a larger file the size and the time are compared, not the content. */
const LARGE = 32 * 1024 * 1024;
const WATCHED = 'RUN_PIPELINE_WATCHED';

/**
 * `--watch`: each run is a process of its own, so that every one sees the user's modules anew and none leaks into
 * the next. It reports over IPC which files it read; a change of any of them ends what is running and starts again.
 */
export async function watch(context: Context): Promise<number> {
  const { file } = splitFile(context.arguments[0]!);
  const watcher = new SourceWatcher(resolve(context.cwd, file));
  const session: Session = { context, watcher, stopped: undefined, child: undefined };
  const stop = (signal: NodeJS.Signals): void => {
    session.stopped ??= signal;
    watcher.close();
    // A terminal sends Ctrl-C to the child itself; `kill` does not, nor a program that runs us.
    if (signal === 'SIGTERM' || !process.stdin.isTTY) session.child?.kill(signal);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    for (;;) {
      const stopped = await runOnce(session);
      if (stopped !== undefined) return 128 + constants.signals[stopped];
    }
  } finally {
    watcher.close();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

interface Session {
  readonly context: Context;
  readonly watcher: SourceWatcher;
  stopped: NodeJS.Signals | undefined;
  child: ChildProcess | undefined;
}

/** One run, and the wait for the change that asks for the next; the signal that ended the watch, if one did. */
async function runOnce(session: Session): Promise<NodeJS.Signals | undefined> {
  const { context, watcher } = session;
  const { style } = context;
  // The page that the first run opened shows the next ones, too.
  const once = session.child === undefined ? ['--watch', '-w'] : ['--watch', '-w', '--open'];
  const words = process.argv.slice(2).filter((word) => !once.includes(word));
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...words], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [WATCHED]: '1' },
  });
  session.child = child;
  let loaded = false;
  child.on('message', (message) => {
    const { sources, data } = filesOf(message);
    loaded ||= sources.length > 0;
    if (sources.length > 0) watcher.watch(sources);
    watcher.add(data);
  });
  const ended = new Promise<'ended'>((done) => child.once('exit', () => done('ended')));
  const change = watcher.nextChange();
  const first = await Promise.race([ended, change]);
  if (first !== 'ended') child.kill('SIGTERM');
  await ended;
  if (session.stopped !== undefined) return session.stopped;
  // A file that does not load tells nothing: what it needs may lie beside it.
  if (!loaded) watcher.watchSiblings();
  if (first === 'ended')
    printLines(human(context), [style.dim(`watching ${watcher.describe()}; Ctrl-C ends`)]);
  const cause = await change;
  if (cause !== undefined) printLines(human(context), ['', `${style.info('↻')} ${basename(cause)} changed`]);
  return session.stopped;
}

/** In the process of one run: says which files the pipeline was made of. */
export function tellWatcher(loaded: LoadedFile): void {
  if (!isWatched()) return;
  const { sources = [] } = JSON.parse(loaded.bundle.map) as { sources?: readonly string[] };
  tell({ sources: [loaded.file, ...sources], data: [] });
}

/** The same about the files that it is given, when it starts. */
export async function tellWatcherOfData(given: Parameters<typeof dataFiles>[0]): Promise<void> {
  if (!isWatched()) return;
  // Once, and not for the processes that steps start.
  delete process.env[WATCHED];
  tell({ sources: [], data: await dataFiles(given) });
}

const isWatched = (): boolean => process.env[WATCHED] === '1' && process.send !== undefined;

interface ReadFiles {
  readonly sources: readonly string[];
  readonly data: readonly string[];
}

function tell(files: ReadFiles): void {
  process.send?.(files);
  process.channel?.unref();
}

function filesOf(message: unknown): ReadFiles {
  const { sources, data } = (message ?? {}) as { readonly sources?: unknown; readonly data?: unknown };
  const texts = (list: unknown): readonly string[] =>
    Array.isArray(list) ? list.filter((file): file is string => typeof file === 'string') : [];
  return { sources: texts(sources), data: texts(data) };
}

/**
 * Watches directories, because a saved file is often a new file under the old name, and compares contents, because
 * a touch is no change.
 */
class SourceWatcher {
  readonly #contents = new Map<string, string>();
  readonly #directories = new Map<string, FSWatcher>();
  readonly #main: string;
  #settle: NodeJS.Timeout | undefined;
  #resolve: ((file: string | undefined) => void) | undefined;

  constructor(main: string) {
    this.#main = main;
    this.watch([main]);
  }

  /** These files, and the main one, from now on. */
  watch(files: readonly string[]): void {
    const wanted = new Set([this.#main, ...files]);
    for (const file of this.#contents.keys()) if (!wanted.has(file)) this.#contents.delete(file);
    for (const file of wanted) this.#add(file);
  }

  /** These as well, until the next `watch`. */
  add(files: readonly string[]): void {
    for (const file of files) this.#add(file);
  }

  /** All sources beside the main file, too. */
  watchSiblings(): void {
    const directory = dirname(this.#main);
    try {
      for (const name of readdirSync(directory)) if (SOURCE.test(name)) this.#add(join(directory, name));
    } catch {
      // The directory is gone: the next save makes it again.
    }
  }

  #add(file: string): void {
    if (!this.#contents.has(file)) this.#contents.set(file, contentOf(file));
    const directory = dirname(file);
    if (this.#directories.has(directory)) return;
    try {
      const watcher = watchDirectory(directory, () => this.#changed());
      watcher.on('error', () => this.#directories.delete(directory));
      this.#directories.set(directory, watcher);
    } catch {
      // The same; the run then fails on its own and says why.
    }
  }

  /** The file whose content changed; undefined when watching ended. */
  nextChange(): Promise<string | undefined> {
    return new Promise((done) => {
      this.#resolve = done;
      this.#compare();
    });
  }

  describe(): string {
    const count = this.#contents.size;
    return count === 1
      ? basename(this.#main)
      : `${basename(this.#main)} and ${count - 1} more ${count === 2 ? 'file' : 'files'}`;
  }

  close(): void {
    clearTimeout(this.#settle);
    for (const watcher of this.#directories.values()) watcher.close();
    this.#directories.clear();
    this.#resolve?.(undefined);
    this.#resolve = undefined;
  }

  #changed(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#compare(), SETTLE_MS);
  }

  #compare(): void {
    if (this.#resolve === undefined) return;
    let cause: string | undefined;
    for (const [file, before] of this.#contents) {
      const now = contentOf(file);
      // While an editor replaces it, a file is missing for a moment: its return is the change.
      if (now === before || now === '') continue;
      this.#contents.set(file, now);
      cause ??= file;
    }
    if (cause === undefined) return;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve(cause);
  }
}

function contentOf(file: string): string {
  try {
    const { size, mtimeMs } = statSync(file);
    if (size > LARGE) return `${size} ${mtimeMs}`;
    return createHash('sha256').update(readFileSync(file)).digest('base64');
  } catch {
    return '';
  }
}
