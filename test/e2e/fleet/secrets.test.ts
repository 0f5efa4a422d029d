import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { runPipeline, watchRun, type CommandResult } from '../../rig/command.js';
import { withoutFleet } from '../../rig/fleet.js';
import { startPostgres, type PostgresServer } from '../../rig/postgres.js';
import { PageServer } from '../../rig/page-server.js';
import { startRedis, type RedisServer } from '../../rig/redis.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch } from '../../rig/scratch.js';
import { newKeyPair } from '../../rig/engine.js';

const missing = withoutFleet();
if (missing !== undefined) console.warn(`NOT TESTED: that nothing of a fleet leaks credentials: ${missing}`);

const STORE = 'planted-for-postgres';
const QUEUE = 'planted-for-redis';
const PAIR = newKeyPair();
const KEY = PAIR.privatePem.split('\n')[1]!;
const AWS_TOKEN = 'planted-session-token';
const PLANTED = [STORE, QUEUE, KEY, AWS_TOKEN];

/** Steps and a controller that tell everything that they can get at. */
const PIPELINE = `
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PipelineController, Task, StorageManager } from 'run-pipeline';
console.log('the file:', JSON.stringify({ ...process.env }));
const everything = (): string => {
  const all = process.env;
  return [JSON.stringify(all), readFileSync('/proc/self/environ', 'utf8'), execFileSync('/usr/bin/env', { encoding: 'utf8' })].join('\\n');
};
const look = (): string => { const text = everything(); console.log(text); console.error(text); return text; };
const others = async (text: string): Promise<object> => {
  const found = await Task.query({ steps: true });
  const made = await Task.query({ project: 'nobody' });
  return { tasks: found.length, none: made.length, seen: text.length };
};
const fail = (): void => { throw new Error(everything()); };
export const pipe = new PipelineController({ name: 'curious', project: 'p' });
pipe.addFunctionStep({ name: 'look', function: look });
pipe.addFunctionStep({ name: 'others', function: others, functionKwargs: { text: '$<look.result>' } });
pipe.addFunctionStep({ name: 'fail', function: fail, parents: ['others'] });
`;

const withoutFile = (text: string): string => text.replace(/^.*the file:.*$/gm, '');

/**
 * All that the page's server tells of a run and of what is around it, as a browser asks for it: `left` gets each
 * answer, with where it came from.
 */
async function askPage(server: PageServer, run: string): Promise<readonly (readonly [string, string])[]> {
  const left: (readonly [string, string])[] = [];
  const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<string> => {
    const reply = await server.ask(method, path, body === undefined ? {} : { body: JSON.stringify(body) });
    expect([path, reply.status]).toEqual([path, 200]);
    left.push([`${method} ${path}`, `${JSON.stringify(reply.headers)} ${reply.bytes.toString('latin1')}`]);
    return reply.text;
  };
  const of = `/api/runs/${run}`;
  const steps = ['look', 'others', 'fail'];
  for (const path of [
    '/api/session',
    '/api/runs',
    `/api/run-names?ids=${run}`,
    of,
    `${of}/form`,
    `${of}/logs`,
  ])
    await ask('GET', path);
  for (const step of steps)
    for (const what of ['logs', 'inputs', 'code', 'why', 'packages'])
      await ask('GET', `${of}/steps/${step}/${what}`);
  await ask('POST', `${of}/preview`, { parameters: {} });
  const { tasks } = JSON.parse(await ask('GET', '/api/tasks')) as {
    readonly tasks: readonly { id: string }[];
  };
  expect(tasks.length).toBeGreaterThan(0);
  for (const { id } of tasks) {
    await ask('GET', `/api/tasks/${id}`);
    await ask('GET', `/api/tasks/${id}/logs`);
  }
  await ask('GET', '/api/agents');
  await ask('GET', '/api/queues');
  for (const queue of ['default', 'services']) await ask('GET', `/api/queues/${queue}`);
  // The artifacts, as bytes and as what is shown of them.
  const hashes = new Set(
    left
      .flatMap(([, text]) => [...text.matchAll(/"hash":"(sha256:[0-9a-f]+|[0-9a-f]{64})"/g)])
      .map(([, hash]) => hash!),
  );
  expect(hashes.size).toBeGreaterThan(0);
  for (const hash of hashes) {
    const reply = await server.ask('GET', `/api/artifacts/${encodeURIComponent(hash)}`);
    left.push([`artifact ${hash}`, reply.bytes.toString('latin1')]);
    const page = await server.ask('GET', `/api/artifacts/${encodeURIComponent(hash)}/page`);
    left.push([`page of artifact ${hash}`, page.text]);
  }
  const logs = steps.map((step) => `${run}/${step}/1:-1`).join(',');
  const stream = server.stream(`runs=${run}:-1&list=1&fleet=1&logs=${encodeURIComponent(logs)}`);
  await stream.until(
    (message) => message.type === 'events' && message.events.some(({ type }) => type === 'run.end'),
  );
  left.push(['the stream', JSON.stringify(stream.messages)]);
  stream.close();
  left.push(['the page', (await server.ask('GET', '/')).text], ['its terminal', server.stderr()]);
  return left;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe.skipIf(missing !== undefined)('credentials of a fleet', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let s3: TestS3;
  let env: Record<string, string>;
  const schema = 'curious';
  beforeAll(async () => {
    [postgres, redis, s3] = await Promise.all([startPostgres(), startRedis({ keeps: true }), startS3()]);
    await postgres.query(`CREATE USER fleet PASSWORD '${STORE}'`);
    await postgres.query('CREATE DATABASE fleet OWNER fleet');
    await redis.command('ACL', 'SETUSER', 'fleet', 'on', `>${QUEUE}`, '~*', '&*', '+@all');
    env = {
      ...s3.env('fleet'),
      AWS_SESSION_TOKEN: AWS_TOKEN,
      RUN_PIPELINE_STORE: `postgres://fleet:${STORE}@${new URL(postgres.url).host}/fleet?schema=${schema}`,
      RUN_PIPELINE_QUEUE: `redis://fleet:${QUEUE}@127.0.0.1:${redis.port}`,
    };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([postgres?.dispose(), redis?.dispose(), s3?.stop()]);
  });

  /** Every row of every table, as text and as bytes. */
  async function rows(): Promise<string> {
    const { default: pg } = await import('pg');
    const client = new pg.Client(env['RUN_PIPELINE_STORE']!.replace(/\?.*/, ''));
    await client.connect();
    try {
      const { rows: tables } = await client.query<{ relname: string }>(
        `SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = '${schema}' AND relkind = 'r'`,
      );
      const texts: string[] = [];
      for (const { relname } of tables) {
        const { rows: found } = await client.query(`SELECT * FROM ${schema}."${relname}"`);
        for (const row of found)
          for (const value of Object.values(row as object))
            texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : String(value));
      }
      expect(texts.length).toBeGreaterThan(20);
      return texts.join('\n');
    } finally {
      await client.end();
    }
  }

  test('nothing that a run leaves holds one: rows, artifacts, packages, logs, errors, what is printed', async () => {
    const home = emptyDirectory();
    const agent = new AgentProcess(['--queue', 'default', 'services', '--require-signature'], {
      cwd: emptyDirectory(),
      env: { ...env, RUN_PIPELINE_HOME: home, RUN_PIPELINE_TRUSTED_KEYS: PAIR.publicKey },
    });
    const project = scratch({ 'pipe.ts': PIPELINE });
    const options = {
      cwd: project.directory,
      env: { ...env, RUN_PIPELINE_SIGNING_KEY: PAIR.privatePem },
    };
    const printed: CommandResult[] = [];
    const pages: (readonly [string, string])[] = [];
    // Keys of Redis are gone when a run has ended: what was sent to it is what it ever held.
    const spy = new Redis(redis.url);
    const sent: string[] = [];
    const monitor = await spy.monitor();
    monitor.on('monitor', (_time: string, command: readonly string[]) => sent.push(command.join(' ')));
    try {
      await agent.told('agent.start');
      for (const words of [
        ['pipe.ts', '--remote', '--queue', 'default'],
        ['pipe.ts', '--local'],
      ]) {
        const run = await watchRun(words, options);
        expect([words, run.by]).toEqual([words, { completed: ['look', 'others'], failed: ['fail'] }]);
        // What it saw is what the task was given, and the relay answered it.
        expect(run.ends['look']?.artifacts).toHaveLength(1);
        // What the user's own file prints in the user's own terminal is his; what the run made is everybody's.
        printed.push({ ...run, stdout: withoutFile(run.stdout), stderr: withoutFile(run.stderr) });
      }
      for (const words of [
        ['runs', '--json'],
        ['show', 'latest', '--json', '--trace'],
        ['logs', 'latest'],
        ['get', 'latest', 'look'],
        ['why', 'latest', 'others'],
        ['agent', 'ls', '--json'],
        ['queue', 'ls', '--json'],
        ['task', 'ls', '--json'],
        ['doctor', '--json'],
      ])
        printed.push(await runPipeline(words, options));
      const server = await PageServer.start(options);
      const { runs } = await server.get<{ readonly runs: readonly { readonly id: string }[] }>('/api/runs');
      expect(runs).toHaveLength(2);
      for (const { id } of runs) pages.push(...(await askPage(server, id)));
    } finally {
      monitor.disconnect();
      spy.disconnect();
      await agent.remove();
    }
    const seen = printed.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    expect(seen).toContain('withheld:RUN_PIPELINE_STORE');
    const left: (readonly [string, string])[] = [
      ['what was printed', seen],
      ['what the agent printed', JSON.stringify(agent.lines) + agent.stderr],
      ['the rows of the store', await rows()],
      ['what Redis was sent', sent.join('\n')],
      ...pages,
    ];
    for (const directory of [home, project.directory, join(s3.file('x'), '../..')])
      for (const file of filesBelow(directory)) left.push([file, readFileSync(file, 'latin1')]);
    expect([left.length > 10, sent.length > 50]).toEqual([true, true]);
    for (const secret of PLANTED)
      for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, -4)])
        expect([secret, left.filter(([, text]) => text.includes(form)).map(([where]) => where)]).toEqual([
          secret,
          [],
        ]);
  }, 240_000);
});
