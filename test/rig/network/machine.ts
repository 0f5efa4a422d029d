import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RELAY = fileURLToPath(new URL('relay.mjs', import.meta.url));

/**
 * A machine of its own, as far as one machine can hold another: an empty directory, a state of its own, and
 * (where the kernel allows it to us) a host name and a network of its own, from which nothing is reached but
 * the given ports. They have the same numbers there: settings are the same everywhere.
 */
export class Machine {
  readonly name: string;
  /** Holds nothing: no project, no state. */
  readonly directory: string;
  /** `RUN_PIPELINE_HOME` of what runs there. */
  readonly home: string;
  /** What a command has to be started through to run there. */
  readonly through: readonly string[];
  readonly #relays: readonly ChildProcess[];
  readonly #sockets: string;

  private constructor(
    name: string,
    through: readonly string[],
    relays: readonly ChildProcess[],
    sockets: string,
  ) {
    this.name = name;
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), `run-pipeline-${name}-`)));
    this.home = join(this.directory, 'home');
    this.through = through;
    this.#relays = relays;
    this.#sockets = sockets;
  }

  static async start(name: string, ports: readonly number[]): Promise<Machine> {
    const sockets = mkdtempSync(join(tmpdir(), 'run-pipeline-net-'));
    if (!hasNamespaces()) return new Machine(name, [], [], sockets);
    const socket = (port: number): string => `unix:${join(sockets, String(port))}`;
    const outside = await relay(
      [process.execPath],
      ports.flatMap((port) => [socket(port), `tcp:${port}`]),
    );
    const inside = await relay(
      [
        'unshare',
        '--net',
        '--uts',
        '--',
        'sh',
        '-c',
        'ip link set lo up && hostname "$0" && exec "$@"',
        name,
        process.execPath,
      ],
      ports.flatMap((port) => [`tcp:${port}`, socket(port)]),
    );
    const through = ['nsenter', `--net=/proc/${inside.pid}/ns/net`, `--uts=/proc/${inside.pid}/ns/uts`, '--'];
    return new Machine(name, through, [inside, outside], sockets);
  }

  get hasNetwork(): boolean {
    return this.through.length > 0;
  }

  /** From now on no packet leaves or reaches it; nobody is told. */
  cut(): void {
    this.#link('down');
  }

  /** What was not answered meanwhile is sent again by the kernel. */
  mend(): void {
    this.#link('up');
  }

  #link(state: 'up' | 'down'): void {
    if (!this.hasNetwork) throw new Error(`${this.name} has no network of its own`);
    const [command, ...args] = this.through;
    execFileSync(command!, [...args, 'ip', 'link', 'set', 'lo', state]);
  }

  /** What runs there has to have ended. */
  async remove(): Promise<void> {
    await Promise.all(this.#relays.map(ended));
    for (const path of [this.directory, this.#sockets])
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

let namespaces: boolean | undefined;
/** Whether we may make networks of our own: root, or what amounts to it, and the programs of Debian. */
export function hasNamespaces(): boolean {
  namespaces ??=
    process.platform === 'linux' &&
    spawnSync('unshare', ['--net', '--uts', '--', 'sh', '-c', 'ip link set lo up && hostname probe'], {
      stdio: 'ignore',
    }).status === 0;
  return namespaces;
}

async function relay(command: readonly string[], pairs: readonly string[]): Promise<ChildProcess> {
  const [file, ...args] = command;
  const child = spawn(file!, [...args, RELAY, ...pairs], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the relay ended with ${code}`)));
  });
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
