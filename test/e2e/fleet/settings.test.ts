import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPipeline } from '../../rig/command.js';
import { withoutFleet } from '../../rig/fleet.js';
import { freePort } from '../../rig/free-port.js';
import { startPostgres, type PostgresServer } from '../../rig/postgres.js';
import { startRedis, type RedisServer } from '../../rig/redis.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch } from '../../rig/scratch.js';

const missing = withoutFleet();
if (missing !== undefined) console.warn(`NOT TESTED: settings of a fleet that are wrong: ${missing}`);

/** Of a fleet's servers, as somebody mistypes them: what they say is told as what it means here. */
describe.skipIf(missing !== undefined)('settings that are wrong', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let s3: TestS3;
  let all: Readonly<Record<string, string>>;
  beforeAll(async () => {
    [postgres, redis, s3] = await Promise.all([startPostgres(), startRedis(), startS3()]);
    await postgres.query(`CREATE USER planted PASSWORD 'planted-pw'`);
    await postgres.query('CREATE DATABASE planted OWNER planted');
    all = {
      ...s3.env('settings'),
      RUN_PIPELINE_STORE: `postgres://planted:planted-pw@${new URL(postgres.url).host}/planted`,
      RUN_PIPELINE_QUEUE: redis.url,
      RUN_PIPELINE_STORE_PATIENCE_MS: '500',
    };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([postgres?.dispose(), redis?.dispose(), s3?.stop()]);
  });

  const PIPELINE = `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'p', project: 'p' });
pipe.addFunctionStep({ name: 'one', function: () => 'x'.repeat(100_000) });
`;
  async function told(words: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
    const { directory: cwd } = scratch({ 'pipe.ts': PIPELINE });
    const { code, stdout, stderr } = await runPipeline(words, { cwd, env: { ...all, ...env } });
    const text = stdout + stderr;
    expect([code === 0, text]).toEqual([false, expect.stringMatching(/^✖ .+\n→ .+/m)]);
    for (const unwanted of ['planted-pw', 'this is unexpected', 'UnknownError', '    at '])
      expect(text).not.toContain(unwanted);
    return text;
  }
  const withStore = (change: (url: URL) => void): Readonly<Record<string, string>> => {
    const url = new URL(all['RUN_PIPELINE_STORE']!);
    change(url);
    return { RUN_PIPELINE_STORE: url.href };
  };

  test('of the store: a question is told what is wrong, and nothing of runs to continue', async () => {
    const nobody = await freePort();
    const cases: readonly (readonly [(url: URL) => void, RegExp, RegExp])[] = [
      [(url) => (url.password = ''), /wants a password, and there is none/, /PGPASSWORD/],
      [(url) => (url.password = 'other'), /does not let us in/, /Check user and password/],
      [(url) => (url.pathname = '/nowhere'), /database "nowhere" does not exist/, /createdb/],
      [(url) => (url.port = String(nobody)), /cannot be reached.*ECONNREFUSED/, /server runs/],
      [(url) => (url.search = '?sslmode=require'), /speaks no TLS/, /ssl = on/],
      // That is no PostgreSQL.
      [(url) => (url.port = new URL(s3.url).port), /cannot be reached/, /server runs/],
    ];
    for (const [change, what, help] of cases) {
      const text = await told(['runs'], withStore(change));
      expect(text).toMatch(what);
      expect(text).toMatch(help);
      expect(text).not.toContain('resume');
    }
  });

  test('of the bucket: what a server answers without a word, TLS that it does not speak, an address that is none', async () => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp, RegExp])[] = [
      [{ AWS_ACCESS_KEY_ID: 'nobody' }, /not allowed: the server answers 403/, /AWS_ACCESS_KEY_ID/],
      [
        { AWS_ENDPOINT_URL_S3: s3.url.replace('http:', 'https:') },
        /speaks no TLS/,
        /AWS_ENDPOINT_URL_S3=http:/,
      ],
      [
        { AWS_ENDPOINT_URL_S3: 'nobody:9000' },
        /AWS_ENDPOINT_URL_S3 \(nobody:9000\) is not the address/,
        /https:\/\/host/,
      ],
      [{ RUN_PIPELINE_BLOBS: 's3://nowhere/x' }, /there is no bucket nowhere/, /Create it/],
    ];
    for (const [env, what, help] of cases) {
      const text = await told(['pipe.ts', '--local', '--output', 'quiet'], env);
      expect(text).toMatch(what);
      expect(text).toMatch(help);
    }
  });

  test('of the queue: doctor finds a database of Redis that there is not', async () => {
    const { code, stdout } = await runPipeline(['doctor'], {
      cwd: scratch({}).directory,
      env: { ...all, RUN_PIPELINE_QUEUE: `${redis.url}/99` },
    });
    expect([code, stdout]).toEqual([
      4,
      expect.stringMatching(/queue .*DB index is out of range\n +→ .*0 to 15/),
    ]);
  });
});
