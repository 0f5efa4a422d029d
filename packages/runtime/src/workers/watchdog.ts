import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Kills the process groups of the workers when the controller dies, however it dies (INVARIANTS 10): a
 * worker in a busy loop never sees that its channel was closed. A shell that waits for the end of its
 * standard input costs about a megabyte and needs nothing from the workers.
 */
// Without `--` before the group: dash takes it for a number.
const SCRIPT = `trap '' INT TERM HUP
groups=' '
while read -r operation group; do
  case $operation in
    add) groups="$groups$group " ;;
    remove) groups="\${groups%% $group *} \${groups#* $group }" ;;
    end) exit 0 ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done`;

export class Watchdog {
  #shell: ChildProcess | undefined;

  add(group: number): void {
    this.#write(`add ${group}\n`);
  }

  remove(group: number): void {
    if (this.#shell !== undefined) this.#write(`remove ${group}\n`);
  }

  /** Ends it without killing anything. */
  close(): void {
    this.#shell?.stdin?.end('end\n');
    this.#shell = undefined;
  }

  #write(line: string): void {
    // Windows has neither process groups nor this shell; there the workers watch their channel only.
    if (process.platform === 'win32') return;
    const shell = (this.#shell ??= start());
    shell.stdin?.write(line);
  }
}

function start(): ChildProcess {
  // Its own group: Ctrl-C in the terminal must not end it before the workers.
  const shell = spawn('/bin/sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    // It needs nothing of it, and what opens the store is in it.
    env: {},
  });
  // Without it the workers still watch their channel; a run must not fail for this.
  shell.on('error', () => undefined);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  (shell.stdin as { unref?: () => void } | null)?.unref?.();
  return shell;
}
