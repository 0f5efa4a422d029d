import { createServer as createHttps, type Server } from 'node:https';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../../packages/runtime/src/doctor/index.js';
import { newAuthority, type Authority } from '../../rig/certificates.js';
import { query, runPipeline, watchRun } from '../../rig/command.js';
import { withoutFleet } from '../../rig/fleet.js';
import { freePort } from '../../rig/free-port.js';
import { startPostgres, type PostgresServer } from '../../rig/postgres.js';
import { startRedis, type RedisServer } from '../../rig/redis.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch } from '../../rig/scratch.js';

const missing = withoutFleet();
if (missing !== undefined) console.warn(`NOT TESTED: doctor and TLS of a fleet: ${missing}`);

type Env = Readonly<Record<string, string>>;

async function doctor(env: Env): Promise<{
  readonly of: ReadonlyMap<string, Finding>;
  readonly text: string;
  readonly code: number | null;
}> {
  const { directory } = scratch({});
  const { stdout, stderr, code } = await runPipeline(['doctor', '--json'], { cwd: directory, env });
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return { of: new Map(findings.map((finding) => [finding.check, finding])), text: stdout + stderr, code };
}
/** That something answers slowly says something of this machine. */
const statuses = (of: ReadonlyMap<string, Finding>): Record<string, string> =>
  Object.fromEntries(
    [...of].map(([check, { status, message }]) => [check, / answers in /.test(message) ? 'ok' : status]),
  );

describe.skipIf(missing !== undefined)('doctor', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let s3: TestS3;
  let all: Env;
  beforeAll(async () => {
    [postgres, redis, s3] = await Promise.all([startPostgres(), startRedis({ keeps: true }), startS3()]);
    all = { ...s3.env('doctor'), RUN_PIPELINE_STORE: postgres.fresh(), RUN_PIPELINE_QUEUE: redis.url };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([postgres?.dispose(), redis?.dispose(), s3?.stop()]);
  });

  test('a fleet that is in order: each part is looked at, and nothing is left behind', async () => {
    const { of, code, text } = await doctor(all);
    expect(statuses(of)).toMatchObject({
      store: 'ok',
      'store version': 'ok',
      'store TLS': 'ok',
      'store clock': 'ok',
      'store permissions': 'ok',
      'store notifications': 'ok',
      'store connections': 'ok',
      // The server of this test does not wait for the disk.
      'store durability': 'warning',
      blobs: 'ok',
      'blobs permissions': 'ok',
      'blobs clock': 'ok',
      queue: 'ok',
      'queue version': 'ok',
      'queue permissions': 'ok',
      'queue clock': 'ok',
      'queue eviction': 'ok',
      'queue persistence': 'ok',
      fleet: 'ok',
    });
    expect(code).toBe(0);
    expect(text).not.toMatch(/p@ss|p%40ss/);
    expect(await redis.command('DBSIZE')).toBe(0);
    expect(await postgres.query(`SELECT count(*)::int FROM pg_class WHERE relname = 'doctor_looks'`)).toEqual(
      [[0]],
    );
  });

  test('servers that do not answer, wrong passwords, databases and buckets: each says what to do', async () => {
    const nobody = await freePort();
    const url = new URL(all['RUN_PIPELINE_STORE']!);
    const wrong = (change: (to: URL) => void): string => {
      const copy = new URL(url);
      change(copy);
      return copy.href;
    };
    /** Each part is looked at, whatever is wrong with the others. */
    const cases: readonly (readonly [Env, Readonly<Record<string, readonly [RegExp, RegExp]>>])[] = [
      [
        {
          RUN_PIPELINE_STORE: wrong((to) => (to.port = String(nobody))),
          RUN_PIPELINE_QUEUE: `redis://:planted-pw@127.0.0.1:${nobody}`,
          AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${nobody}`,
        },
        {
          store: [/cannot be reached/, /server runs/],
          queue: [/ECONNREFUSED/, /Redis runs/],
          blobs: [/ECONNREFUSED/, /AWS_ENDPOINT_URL_S3/],
        },
      ],
      [
        {
          RUN_PIPELINE_STORE: wrong((to) => (to.password = 'planted-pw')),
          RUN_PIPELINE_QUEUE: `redis://u:planted-pw@127.0.0.1:${redis.port}`,
          RUN_PIPELINE_BLOBS: 's3://no-such-bucket/x',
        },
        {
          store: [/does not let us in/, /password/],
          queue: [/WRONGPASS/, /RUN_PIPELINE_QUEUE/],
          blobs: [/NoSuchBucket/, /make it/],
        },
      ],
      [{ RUN_PIPELINE_STORE: wrong((to) => (to.pathname = '/nowhere')) }, { store: [/nowhere/, /createdb/] }],
    ];
    for (const [env, checks] of cases) {
      const { of, code, text } = await doctor({ ...all, ...env });
      expect([env, code]).toEqual([env, 4]);
      for (const [check, [message, help]] of Object.entries(checks))
        expect([env, of.get(check)]).toEqual([
          env,
          {
            check,
            status: 'error',
            message: expect.stringMatching(message),
            help: expect.stringMatching(help),
          },
        ]);
      expect(text).not.toContain('planted-pw');
    }
  }, 120_000);

  test('rights that are missing, in the store and in Redis, are named', async () => {
    await postgres.query(`CREATE USER visitor PASSWORD 'planted-pw'`);
    const url = new URL(all['RUN_PIPELINE_STORE']!);
    Object.assign(url, { username: 'visitor', password: 'planted-pw' });
    await redis.command(
      'ACL',
      'SETUSER',
      'visitor',
      'on',
      '>planted-pw',
      '~{run-pipeline:*',
      '+@all',
      '-bzpopmin',
      '-eval',
    );
    const queue = `redis://visitor:planted-pw@127.0.0.1:${redis.port}`;
    const { of, code, text } = await doctor({
      ...all,
      RUN_PIPELINE_STORE: url.href,
      RUN_PIPELINE_QUEUE: queue,
    });
    expect(code).toBe(4);
    expect(of.get('store permissions')).toMatchObject({
      status: 'error',
      help: expect.stringContaining('GRANT CREATE'),
    });
    expect(of.get('queue permissions')).toMatchObject({
      status: 'error',
      message: expect.stringMatching(/BZPOPMIN .*EVAL/s),
      help: expect.stringContaining('ACL SETUSER'),
    });
    expect(text).not.toContain('planted-pw');
  });

  test('a Redis that may forget jobs is told: eviction, and no persistence', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.command('CONFIG', 'SET', 'appendonly', 'no');
    expect(statuses((await doctor(all)).of)).toMatchObject({
      'queue eviction': 'warning',
      'queue persistence': 'warning',
    });
    await redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
    const { of, code } = await doctor(all);
    expect([of.get('queue eviction')?.status, code]).toEqual(['error', 4]);
  });
});

describe.skipIf(missing !== undefined)('TLS', () => {
  let authority: Authority;
  let other: Authority;
  let postgres: PostgresServer;
  let redis: RedisServer;
  let s3: TestS3;
  let secure: { readonly server: Server; readonly url: string };
  let redisPort: number;
  beforeAll(async () => {
    authority = newAuthority();
    other = newAuthority();
    const { cert, key } = authority.certificate('127.0.0.1');
    redisPort = await freePort();
    const tls = ['--tls-port', String(redisPort), '--tls-cert-file', cert, '--tls-key-file', key];
    [postgres, redis, s3] = await Promise.all([
      startPostgres(),
      startRedis({
        keeps: true,
        arguments: [...tls, '--tls-ca-cert-file', authority.file, '--tls-auth-clients', 'no', '--port', '0'],
      }),
      startS3(),
    ]);
    const [[data]] = (await postgres.query('SHOW data_directory')) as [[string]];
    const own = authority.certificate('127.0.0.1', data);
    for (const [name, value] of [
      ['ssl_cert_file', own.cert],
      ['ssl_key_file', own.key],
      ['ssl', 'on'],
    ] as const)
      await postgres.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await postgres.query('SELECT pg_reload_conf()');
    secure = await httpsBefore(s3.url, { cert: readFileSync(cert), key: readFileSync(key) });
  }, 120_000);
  afterAll(async () => {
    secure?.server.closeAllConnections();
    secure?.server.close();
    await Promise.all([postgres?.dispose(), redis?.dispose(), s3?.stop()]);
    authority?.remove();
    other?.remove();
  });
  const settings = (ca: string, bundle: Env = { AWS_CA_BUNDLE: ca }): Env => ({
    ...s3.env('tls'),
    ...bundle,
    AWS_ENDPOINT_URL_S3: secure.url,
    RUN_PIPELINE_STORE: `${postgres.fresh()}&sslmode=verify-full&sslrootcert=${ca}`,
    RUN_PIPELINE_QUEUE: `rediss://127.0.0.1:${redisPort}?sslrootcert=${ca}`,
  });

  test('all three are verified with an authority of our own, which each setting names', async () => {
    const { of, code } = await doctor(settings(authority.file));
    expect([code, statuses(of)]).toMatchObject([
      0,
      { 'store TLS': 'ok', 'queue TLS': 'ok', 'blobs TLS': 'ok', queue: 'ok', blobs: 'ok', store: 'ok' },
    ]);
    expect(of.get('store TLS')?.message).toMatch(/^TLSv1/);
  });

  test('or with NODE_EXTRA_CA_CERTS alone', async () => {
    const env = settings(authority.file, { NODE_EXTRA_CA_CERTS: authority.file, AWS_CA_BUNDLE: '' });
    const { of, code } = await doctor({
      ...env,
      RUN_PIPELINE_STORE: `${postgres.fresh()}&sslmode=verify-full`,
      RUN_PIPELINE_QUEUE: `rediss://127.0.0.1:${redisPort}`,
    });
    expect([code, statuses(of)]).toMatchObject([0, { 'store TLS': 'ok', queue: 'ok', blobs: 'ok' }]);
  });

  test('a server whose authority is not trusted is refused, by all three', async () => {
    const untrusted = await doctor(settings(other.file));
    const unnamed = await doctor(settings(authority.file, { AWS_CA_BUNDLE: '' }));
    for (const { of } of [untrusted, unnamed])
      expect(of.get('blobs')).toMatchObject({
        status: 'error',
        message: expect.stringMatching(/certificate|self.signed/i),
        help: expect.stringContaining('AWS_CA_BUNDLE'),
      });
    const { of, code } = untrusted;
    expect(code).toBe(4);
    for (const check of ['store', 'queue'])
      expect([check, of.get(check)]).toEqual([
        check,
        expect.objectContaining({
          status: 'error',
          message: expect.stringMatching(/certificate|self.signed|signature/i),
        }),
      ]);
  });

  test('a certificate for another host is refused by verify-full, and taken by verify-ca; require believes anybody', async () => {
    const [[data]] = (await postgres.query('SHOW data_directory')) as [[string]];
    const elsewhere = authority.certificate('db.elsewhere.test', data);
    await postgres.query(`ALTER SYSTEM SET ssl_cert_file = '${elsewhere.cert}'`);
    await postgres.query(`ALTER SYSTEM SET ssl_key_file = '${elsewhere.key}'`);
    await postgres.stop('fast');
    await postgres.start();
    const at = async (words: string): Promise<Finding | undefined> =>
      (await doctor({ RUN_PIPELINE_STORE: `${postgres.fresh()}&${words}` })).of.get('store TLS');
    const ca = `sslrootcert=${authority.file}`;
    expect(await at(`sslmode=verify-full&${ca}`)).toBeUndefined();
    expect(await at(ca)).toBeUndefined();
    expect(await at(`sslmode=verify-ca&sslrootcert=${other.file}`)).toBeUndefined();
    expect(await at(`sslmode=verify-ca&${ca}`)).toMatchObject({ message: expect.stringMatching(/^TLSv1/) });
    expect(await at(`sslmode=require`)).toMatchObject({ message: expect.stringMatching(/^TLSv1/) });
    expect(await at(`sslmode=disable`)).toMatchObject({ message: expect.stringContaining('not used') });
  });

  test('a run goes through all three with TLS', async () => {
    const project = scratch({
      'pipe.ts': `import { Pipeline, Step } from 'run-pipeline';
        @Pipeline({ name: 'p' }) export class P { @Step() large(): string { return 'x'.repeat(40_000); } }`,
    });
    const options = {
      cwd: project.directory,
      env: {
        ...settings(authority.file),
        RUN_PIPELINE_STORE: `${postgres.fresh()}&sslmode=verify-ca&sslrootcert=${authority.file}`,
      },
    };
    const run = await watchRun(['pipe.ts'], options);
    expect([run.code, run.by]).toEqual([0, { completed: ['large'] }]);
    expect(await query(['get', 'latest', 'large'], options)).toBe('x'.repeat(40_000));
  });

  test('files that are not there, and words that are none, are errors at the door', async () => {
    const none = join(mkdtempSync(join(tmpdir(), 'run-pipeline-none-')), 'ca.pem');
    for (const [env, message] of [
      [
        { RUN_PIPELINE_STORE: `postgres://u@127.0.0.1/d?sslrootcert=${none}` },
        /sslrootcert of RUN_PIPELINE_STORE is .*ca\.pem.*ENOENT/,
      ],
      [{ RUN_PIPELINE_STORE: 'postgres://u@127.0.0.1/d?sslmode=verify' }, /sslmode=verify/],
      [
        { RUN_PIPELINE_STORE: 'postgres://u@127.0.0.1/d?sslmod=verify-full' },
        /sslmod.*did you mean "sslmode"/,
      ],
      [{ RUN_PIPELINE_STORE: 'postgres://u@127.0.0.1/d?sslrootcert=ca.pem' }, /no whole path/],
    ] as const) {
      const { stderr, code } = await runPipeline(['runs'], { cwd: scratch({}).directory, env });
      expect([env, code, stderr]).toEqual([env, 2, expect.stringMatching(message)]);
    }
    rmSync(join(none, '..'), { recursive: true });
  });
});

/** TLS in front of a server that has none. */
async function httpsBefore(
  url: string,
  files: { readonly cert: Buffer; readonly key: Buffer },
): Promise<{ server: Server; url: string }> {
  const { port } = new URL(url);
  const server = createHttps(files, (incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
