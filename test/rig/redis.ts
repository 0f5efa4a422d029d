import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findRedis } from '../../scripts/services.mjs';
import { freePort } from './free-port.js';

/** Why there are no tests of Redis here; undefined: there are. With CI=true it is an error instead. */
export function withoutRedis(): string | undefined {
  if (findRedis() !== undefined) return undefined;
  const message =
    'no Redis was found (Debian: apt-get install redis-server; elsewhere REDIS_SERVER=/path/to/redis-server)';
  if (process.env['CI'] === 'true') throw new Error(message);
  return message;
}

/** A Redis of its own, on 127.0.0.1, which a test may stop, kill, suspend and start again. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Sends a command as an administrator. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** `fast`: as an administrator restarts it; `kill`: as a power failure. Waits until it has ended. */
  stop(how?: 'fast' | 'kill'): Promise<void>;
  /** On the same port, with what it kept. */
  start(): Promise<void>;
  /** Its connections stay open, and nobody answers. */
  suspend(): void;
  resume(): void;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
}

/**
 * @param options.keeps What is left after it was started again; default nothing.
 * @param options.arguments More of the server's own.
 * @param options.password Of its default user; default none.
 * @param options.tls Paths of its certificate, for `localhost`, and of its key: it speaks nothing but TLS then.
 */
export async function startRedis(
  options: {
    readonly keeps?: boolean;
    readonly arguments?: readonly string[];
    readonly password?: string;
    readonly tls?: { readonly certificate: string; readonly key: string };
  } = {},
): Promise<RedisServer> {
  const binary = findRedis();
  if (binary === undefined) throw new Error(withoutRedis());
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-redis-'));
  const port = await freePort();
  const url = options.tls === undefined ? `redis://127.0.0.1:${port}` : `rediss://localhost:${port}`;
  const socket = join(directory, 'socket');
  const { password, tls } = options;
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const settings = {
      port: String(port),
      bind: '127.0.0.1',
      dir: directory,
      unixsocket: socket,
      save: '',
      appendonly: options.keeps === true ? 'yes' : 'no',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      'enable-debug-command': 'yes',
      ...(password === undefined ? {} : { requirepass: password }),
      ...(tls === undefined
        ? {}
        : {
            port: '0',
            'tls-port': String(port),
            'tls-cert-file': tls.certificate,
            'tls-key-file': tls.key,
            'tls-auth-clients': 'no',
          }),
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const log: string[] = [];
    child = spawn(binary, [...args, ...(options.arguments ?? [])], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => log.push(text));
    await answering(() => administrator(socket, password), child, log);
  };
  const stop = async (how: 'fast' | 'kill' = 'fast'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(how === 'fast' ? 'SIGTERM' : 'SIGKILL');
    await ended;
  };
  // A test that is ended from outside leaves no server.
  const goodbye = (): void => void child?.kill('SIGKILL');
  process.once('exit', goodbye);
  await start();
  return {
    url,
    port,
    async command(name, ...args) {
      const client = administrator(socket, password);
      try {
        await client.connect();
        return await client.call(name, ...args);
      } finally {
        client.disconnect();
      }
    },
    stop,
    start,
    suspend: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async dispose() {
      await stop('kill');
      process.off('exit', goodbye);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function administrator(socket: string, password: string | undefined): Redis {
  const client = new Redis({
    path: socket,
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  return client;
}

async function answering(connect: () => Redis, child: ChildProcess, log: readonly string[]): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`Redis ended at once:\n${log.join('')}`);
    const client = connect();
    try {
      await client.connect();
      return;
    } catch {
      await delay(20); // still starting, or reading what it kept
    } finally {
      client.disconnect();
    }
  }
}
