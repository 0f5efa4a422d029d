import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { findPostgres } from '../../scripts/services.mjs';
import { freePort } from './free-port.js';

/** Why there are no tests of Postgres here; undefined: there are. With CI=true it is an error instead. */
export function withoutPostgres(): string | undefined {
  if (findPostgres() !== undefined) return undefined;
  const message =
    'no PostgreSQL server was found (Debian: apt-get install postgresql; elsewhere POSTGRES_BIN=/path/to/bin)';
  if (process.env['CI'] === 'true') throw new Error(message);
  return message;
}

/** A PostgreSQL server of its own, on 127.0.0.1, which a test may stop, kill and start again. */
export interface PostgresServer {
  /** Of its database, without a schema. */
  readonly url: string;
  /** A store's address: a schema that nobody has used. */
  fresh(): string;
  /** Makes the tables of a store that is closed empty again: quicker than a schema that nobody has used. */
  empty(url: string): Promise<void>;
  /** Runs statements as its administrator. */
  query(text: string): Promise<readonly (readonly unknown[])[]>;
  /** `fast`: as an administrator restarts it; `immediate`: as a power failure. Waits until it has ended. */
  stop(how: 'fast' | 'immediate'): Promise<void>;
  /** On the same port, with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
}

const USER = 'rp';
const PASSWORD = 'p@ss/word';

/**
 * @param options.durable Whether it waits for the disk, as a real one does. Default false: its data live as
 *   long as the test.
 */
export async function startPostgres(options: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error(withoutPostgres());
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-pg-'));
  const account = serverAccount();
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  execFileSync('cp', ['-a', initialised(bin, account), data]);
  const port = await freePort();
  const base = `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
  const url = `${base}/postgres`;
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const args = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c'];
    args.push(
      `unix_socket_directories=${directory}`,
      '-c',
      'max_connections=200',
      '-c',
      'shared_buffers=64MB',
    );
    if (options.durable !== true)
      for (const setting of ['fsync', 'full_page_writes']) args.push('-c', `${setting}=off`);
    const log: string[] = [];
    child = spawn(join(bin, 'postgres'), args, { stdio: ['ignore', 'ignore', 'pipe'], ...account });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => log.push(text));
    await answering(url, child, log);
  };
  const stop = async (how: 'fast' | 'immediate'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await ended;
  };
  // A test that is ended from outside leaves no server.
  const goodbye = (): void => void child?.kill('SIGQUIT');
  process.once('exit', goodbye);
  await start();
  const query = async (text: string): Promise<readonly (readonly unknown[])[]> => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
      return rows;
    } finally {
      await client.end();
    }
  };
  return {
    url,
    fresh: () => `${url}?schema=t${randomBytes(8).toString('hex')}`,
    async empty(store) {
      const schema = new URL(store).searchParams.get('schema')!;
      await query(`DO $$ DECLARE one text; BEGIN
        FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' AND tablename <> 'meta' LOOP
          EXECUTE format('DELETE FROM ${schema}.%I', one);
        END LOOP;
        FOR one IN SELECT sequencename FROM pg_sequences WHERE schemaname = '${schema}' LOOP
          EXECUTE format('ALTER SEQUENCE ${schema}.%I RESTART', one);
        END LOOP;
      END $$`);
    },
    query,
    stop,
    start,
    async dispose() {
      await stop('immediate');
      process.off('exit', goodbye);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** It refuses to run as root: Debian's own account then, else the one nobody owns anything of. */
function serverAccount(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number | undefined => {
    const { status, stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
    return status === 0 ? Number(stdout) : undefined;
  };
  return { uid: id('-u') ?? 65534, gid: id('-g') ?? 65534 };
}

/**
 * The data of a server that nobody has used, to be copied. Made once a machine, since it takes seconds: under a name
 * that says what it was made by, and whole from when it has that name.
 */
function initialised(bin: string, account: ReturnType<typeof serverAccount>): string {
  const initdb = join(bin, 'initdb');
  const args = ['-U', USER, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  args.push('--no-sync', '--no-instructions');
  const { size, mtimeMs } = statSync(initdb);
  const made = [initdb, size, mtimeMs, account?.uid ?? process.getuid?.(), PASSWORD, ...args].join('\n');
  const name = createHash('sha256').update(made).digest('hex').slice(0, 16);
  const whole = join(tmpdir(), `run-pipeline-initdb-${name}`);
  if (existsSync(whole)) return whole;
  const directory = mkdtempSync(`${whole}-`);
  const passwords = join(directory, 'password');
  writeFileSync(passwords, PASSWORD);
  if (account !== undefined)
    for (const path of [directory, passwords]) chownSync(path, account.uid, account.gid);
  const data = join(directory, 'data');
  const options = { encoding: 'utf8', cwd: '/', ...account } as const;
  const { status, stderr, error } = spawnSync(
    initdb,
    ['-D', data, `--pwfile=${passwords}`, ...args],
    options,
  );
  if (status !== 0) throw new Error(`initdb failed: ${stderr}${error?.message ?? ''}`);
  try {
    renameSync(data, whole);
  } catch (error) {
    if (!existsSync(whole)) throw error; // else somebody else was there first
  }
  rmSync(directory, { recursive: true, force: true });
  return whole;
}

async function answering(url: string, child: ChildProcess, log: readonly string[]): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`PostgreSQL ended at once:\n${log.join('')}`);
    const client = new pg.Client(url);
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await delay(50); // still starting, or recovering
    }
  }
}
