import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { query, runPipeline, watchRun } from '../../rig/command.js';
import { withoutFleet } from '../../rig/fleet.js';
import { startPostgres, type PostgresServer } from '../../rig/postgres.js';
import { startRedis, type RedisServer } from '../../rig/redis.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { repository, scratch } from '../../rig/scratch.js';

const missing = withoutFleet();
if (missing !== undefined) console.warn(`NOT TESTED: the environment of deploy/compose.yaml: ${missing}`);

const text = (name: string): string => readFileSync(join(repository, 'deploy', name), 'utf8');
interface Service {
  readonly image?: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
}
const compose = parse(text('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
};
const { agent, page, redis } = compose.services as Readonly<Record<'agent' | 'page' | 'redis', Service>>;
const seconds = (time: string): number => Number.parseInt(time) * (time.endsWith('m') ? 60 : 1);
const after = (words: readonly string[], word: string): string => words[words.indexOf(word) + 1]!;

test('Redis keeps what it is given, and throws nothing away', () => {
  expect([after(redis.command, '--appendonly'), after(redis.command, '--maxmemory-policy')]).toEqual([
    'yes',
    'noeviction',
  ]);
});

test('agents are given longer to end than they take to hand back what runs', () => {
  expect(seconds(agent.stop_grace_period!)).toBeGreaterThan(seconds(after(agent.command, '--drain-timeout')));
  const documents = parseAllDocuments(text('agents.kubernetes.yaml')).map((each) => {
    expect(each.errors).toEqual([]);
    return each.toJS() as {
      readonly kind: string;
      readonly spec?: { readonly template: { readonly spec: PodSpec } };
    };
  });
  expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'ConfigMap', 'ConfigMap', 'Deployment']);
  const { terminationGracePeriodSeconds, containers } = documents[3]!.spec!.template.spec;
  expect(terminationGracePeriodSeconds).toBeGreaterThan(
    seconds(after(containers[0]!.args, '--drain-timeout')),
  );
});
interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

test('no image changes by itself: each is named with its version', () => {
  const images = [
    ...Object.values(compose.services).flatMap(({ image }) => image ?? []),
    ...[...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!),
  ];
  expect(images.length).toBeGreaterThan(4);
  for (const image of images) expect(image).toMatch(/:v?\d[\w.-]*$/);
});

test('every variable that compose needs is in .env.example, and none of them has a value there', () => {
  const needed = [...text('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name!);
  const lines = text('.env.example')
    .split('\n')
    .filter((line) => /^\w/.test(line));
  expect(new Set(lines)).toEqual(new Set(needed.map((name) => `${name}=`)));
});

test('the commands of the image, of compose and of Kubernetes are commands with options that exist', async () => {
  const cmd = JSON.parse(/^CMD (.*)$/m.exec(text('Dockerfile'))![1]!) as string[];
  for (const words of [cmd, agent.command, page.command]) {
    const { code, stderr } = await runPipeline([...words, '--help'], { cwd: scratch({}).directory });
    expect([words, code, stderr]).toEqual([words, 0, '']);
  }
});

describe.skipIf(missing !== undefined)('compose', () => {
  let postgres: PostgresServer;
  let queue: RedisServer;
  let s3: TestS3;
  beforeAll(async () => {
    [postgres, queue, s3] = await Promise.all([startPostgres(), startRedis({ keeps: true }), startS3()]);
    await postgres.query(`CREATE USER run_pipeline PASSWORD 'abc123'`);
    await postgres.query('CREATE DATABASE run_pipeline OWNER run_pipeline');
    await queue.command('ACL', 'SETUSER', 'default', 'resetpass', '>def456');
  }, 120_000);
  afterAll(async () => {
    await Promise.all([postgres?.dispose(), queue?.dispose(), s3?.stop()]);
  });

  /** As compose would fill it in, but for the names of hosts and of the bucket, which its network makes. */
  function filledIn(environment: Readonly<Record<string, string>>): Record<string, string> {
    const values: Record<string, string> = {
      POSTGRES_PASSWORD: 'abc123',
      REDIS_PASSWORD: 'def456',
      S3_ACCESS_KEY: 'S3RVER',
      S3_SECRET_KEY: 'S3RVER',
      PAGE_TOKEN: 'a-token-of-this-test',
    };
    return Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value
          .replace(/\$\{(\w+)[^}]*\}/g, (_, variable: string) => values[variable] ?? '')
          .replace('postgres:5432', new URL(postgres.url).host)
          .replace('redis:6379', `127.0.0.1:${queue.port}`)
          .replace('http://s3:7070', s3.url)
          .replace('s3://run-pipeline/', `s3://${s3.bucket}/`),
      ]),
    );
  }

  test('an agent with the command and the variables of compose executes a whole run, and doctor finds all in order', async () => {
    const env = filledIn(agent.environment);
    const executing = new AgentProcess(agent.command.slice(1), {
      cwd: emptyDirectory(),
      env: { ...env, RUN_PIPELINE_HOME: emptyDirectory() },
    });
    try {
      await executing.told('agent.start');
      const project = scratch({
        'pipe.ts': `import { Pipeline, Step } from 'run-pipeline';
          @Pipeline({ name: 'p' })
          export class P {
            @Step({ returns: ['text'] }) large(): string { return 'x'.repeat(40_000); }
            @Step({ inputs: ['$<large.text>'] }) size(text: string): number { return text.length; }
          }`,
      });
      const options = { cwd: project.directory, env };
      const run = await watchRun(['pipe.ts', '--remote', '--queue', 'default'], options);
      expect([run.code, run.by, run.stderr.includes('✖')]).toEqual([
        0,
        { completed: ['large', 'size'] },
        false,
      ]);
      expect(await query(['get', 'latest', 'size'], options)).toBe(40_000);
      const { ok } = await query<{ ok: boolean }>(['doctor'], options);
      expect(ok).toBe(true);
    } finally {
      await executing.remove();
    }
  }, 120_000);
});
