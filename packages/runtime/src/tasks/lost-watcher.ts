import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface LostScript {
  readonly cwd: string;
  readonly home: string;
  readonly task: string;
  readonly fence: number;
  readonly pid: number;
}

/** A shell that waits for the end of its standard input costs about a megabyte; `end` is a word that never comes. */
const SCRIPT = `trap '' INT TERM HUP
read -r end
exec "$@"`;

/**
 * Notices that this process is gone, however it went (a signal, out of memory, a fault of native code), and
 * has its task ended then, at once instead of when its lease is over. The script keeps all its signals: a
 * handler of ours would keep busy code from being interrupted by Ctrl-C.
 */
export class LostWatcher {
  readonly #shell: ChildProcess | undefined;

  constructor(entry: URL, lost: LostScript) {
    // There the lease alone tells.
    if (process.platform === 'win32') return;
    const command = [process.execPath, fileURLToPath(entry), 'lost', JSON.stringify(lost)];
    // Its own group: Ctrl-C in the terminal must not end it with the script.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...command], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    shell.on('error', () => undefined);
    shell.stdin?.on('error', () => undefined);
    shell.unref();
    (shell.stdin as { unref?: () => void } | null)?.unref?.();
    this.#shell = shell;
  }

  /** The task's end is recorded: there is nothing to notice. */
  end(): void {
    this.#shell?.kill('SIGKILL');
  }
}
