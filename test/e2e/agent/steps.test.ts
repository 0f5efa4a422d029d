import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { AgentContext } from '../../../packages/runtime/src/agent/agent-context.js';
import { emptyDirectory, fleet, until, type AgentProcess } from '../../rig/agents.js';
import { watchRun } from '../../rig/command.js';
import { repository } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';
import { processIdentity, provideEnvironment, specOf, stepExecutable } from '../../rig/engine.js';

const PIPELINE = `
import { Pipeline, Step, Parameter, currentTask } from 'run-pipeline';
@Pipeline({ name: 'small', project: 'examples' })
export class Small {
  @Parameter() rows = 3;
  @Step({ inputs: ['$<pipeline.rows>'], returns: ['list'] })
  load(rows: number): number[] {
    console.log('loading in', process.cwd());
    currentTask().logger.reportSingleValue('rows', rows);
    return Array.from({ length: rows }, (_, index) => index);
  }
  @Step({ inputs: ['$<load.list>'] })
  sum(list: number[]): number { return list.reduce((a, b) => a + b, 0); }
}
`;

test('the steps of a run are executed by an agent, and the run tells of it as of its own', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  const cwd = emptyDirectory();
  const agent = await it.agent([], { cwd });
  const run = await watchRun(['pipe.ts', '--queue', 'default', '--param', 'rows=4'], {
    cwd: it.files.directory,
  });
  expect(run).toMatchObject({ code: 0, by: { completed: ['load', 'sum'] } });
  const started = run.events.filter((event) => event.type === 'step.start');
  expect(started.map((event) => event.type === 'step.start' && event.agent)).toEqual(
    Array(2).fill(expect.stringContaining(`:${agent.pid}-`)),
  );
  expect(run.events.find((event) => event.type === 'step.log')).toMatchObject({
    step: 'load',
    stream: 'stdout',
    text: `loading in ${cwd}\n`,
  });
  expect(run.events.find((event) => event.type === 'step.report')).toMatchObject({
    report: { kind: 'single-value', name: 'rows', value: 4 },
  });
  expect(run.ends['sum']?.artifacts[0]?.preview).toBe('6');
  expect(agent.lines.flatMap((line) => (line.type === 'task.start' ? [line.title] : []))).toEqual([
    'small.load',
    'small.sum',
  ]);
});

test('packages of npm, native and CommonJS ones too, are installed for an agent whose directory is empty', async () => {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const versionOf = (name: string): string => lock.packages[`node_modules/${name}`]!.version;
  const it = await fleet({
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
import Database from 'libsql';
import colors from 'picocolors';

@Pipeline({ name: 'packages' })
export class Packages {
  @Step()
  native(): unknown {
    const database = new Database(':memory:');
    return database.prepare('SELECT 6 * 7 AS answer').raw().get()[0];
  }
  @Step()
  common(): string { return colors.createColors(false).red('plain') + ' ' + typeof colors.bold; }
  @Step()
  alike(): string { return typeof colors.red; }
}
`,
  });
  const directory = it.files.directory;
  const wanted = ['libsql', 'picocolors'].map((name) => `${name}@${versionOf(name)}`);
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', ['install', ...flags, ...wanted], { cwd: directory });
  it.files.link();

  const args = ['pipe.ts', '--queue', 'default'];
  const agents = [await it.agent(['-c', '2']), await it.agent(['-c', '2'])];
  const prepared = (of: readonly AgentProcess[]): readonly string[] =>
    of.flatMap(({ lines }) => lines.flatMap((line) => (line.type === 'task.prepare' ? [line.message] : [])));
  const first = await watchRun(args, { cwd: directory });
  expect(first).toMatchObject({ code: 0, by: { completed: ['alike', 'common', 'native'] } });
  expect(first.ends['native']?.artifacts[0]?.preview).toBe('42');
  expect(first.ends['common']?.artifacts[0]?.preview).toBe('"plain function"');
  // Two of the steps want the same packages at the same time.
  expect(prepared(agents).filter((line) => line.startsWith('installing'))).toHaveLength(2);
  const environments = join(it.project.home, 'cache', 'environments');
  const installed = readdirSync(environments).filter((name) => /^[0-9a-f]{40}$/.test(name));
  expect(installed).toHaveLength(2);

  // What is there is not installed again, by this agent or another one; the network is not asked.
  const other = await it.agent([], { env: { npm_config_registry: 'http://127.0.0.1:9/' } });
  for (const agent of agents) {
    agent.kill('SIGTERM');
    await agent.ended;
  }
  const second = await watchRun(args, { cwd: directory });
  expect(second).toMatchObject({ code: 0, by: { completed: ['alike', 'common', 'native'] } });
  expect(prepared([other])).toEqual([]);

  // A registry that does not answer is the failure of the step, told as what it is.
  for (const name of installed) rmSync(join(environments, name), { recursive: true });
  const npm = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: emptyDirectory(),
    npm_config_fetch_retries: '0',
  };
  other.kill('SIGTERM');
  await other.ended;
  await it.agent([], { env: npm });
  const third = await watchRun(args, { cwd: directory });
  expect(third).toMatchObject({ code: 1, by: { failed: ['alike', 'common', 'native'] } });
  expect(third.ends['common']?.error).toMatchObject({ code: 'environment-install' });
}, 120_000);

const UNSET: Readonly<Record<string, undefined>> = { REGION: undefined, TOKEN: undefined };
const DECLARED = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'declared', cache: true })
export class Declared {
  @Step({ env: ['REGION'] }) region(): string { return process.env.REGION ?? 'nowhere'; }
  @Step({ secrets: ['TOKEN'] }) token(): number { console.log('it is', process.env.TOKEN); return process.env.TOKEN!.length; }
}
`,
};

test.each([
  {
    name: 'with the same environment and another secret they complete, and the secret is masked',
    here: { REGION: 'north', TOKEN: 'of the run' },
    there: { REGION: 'north', TOKEN: 'of the agent' },
    code: 0,
    region: undefined,
    token: undefined,
  },
  {
    name: 'another value of a declared variable fails the step',
    here: { REGION: 'north', TOKEN: 'a secret' },
    there: { REGION: 'south', TOKEN: 'a secret' },
    code: 1,
    region: {
      code: 'env-differs',
      message: expect.stringContaining('REGION has another value on this agent'),
    },
    token: undefined,
  },
  {
    name: 'a variable that was not set for the run must not be set for the agent',
    here: { TOKEN: 'a secret' },
    there: { REGION: 'south', TOKEN: 'a secret' },
    code: 1,
    region: { code: 'env-differs', message: expect.stringContaining('start the agent without REGION') },
    token: undefined,
  },
  {
    name: 'missing ones fail the steps that declare them',
    here: { REGION: 'north', TOKEN: 'a secret' },
    there: {},
    code: 1,
    region: { code: 'env-missing', message: expect.stringContaining('start the agent with REGION set') },
    token: { code: 'secret-missing', message: expect.stringContaining('start the agent with TOKEN set') },
  },
])(
  'steps that declare what they need of the environment: $name',
  async ({ here, there, code, region, token }) => {
    const it = await fleet(DECLARED);
    await it.agent([], { env: { ...UNSET, ...there } });
    const run = await watchRun(['pipe.ts', '--queue', 'default'], {
      cwd: it.files.directory,
      env: { ...UNSET, ...here },
    });
    expect(run.code).toBe(code);
    if (region === undefined) expect(run.ends['region']).toMatchObject({ status: 'completed' });
    else expect(run.ends['region']).toMatchObject({ status: 'failed', error: region });
    if (token !== undefined) expect(run.ends['token']).toMatchObject({ status: 'failed', error: token });
    else
      expect(run.events.find((event) => event.type === 'step.log' && event.step === 'token')).toMatchObject({
        text: 'it is ***\n',
      });
  },
);

test('a package that is missing or damaged is not executed', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE, 'gate.ts': `console.log('here');\n` });
  const task = await it.enqueue('gate.ts');
  const packages = join(it.project.home, 'packages');
  for (const name of readdirSync(packages)) rmSync(join(packages, name), { recursive: true });
  const agent = await it.agent();
  expect(await agent.told('task.end', task)).toMatchObject({
    status: 'failed',
    error: { code: 'package-missing', message: expect.stringContaining('run-pipeline task create') },
  });
});

test('what is executed by another Node.js than its fingerprint says is not kept for others', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  const { project } = it;
  const { store } = project;
  const identity = processIdentity();
  const leaseMs = 60_000;
  // This test is the agent, so as to look at what it is given.
  await store.registerAgent({
    id: 'test',
    identity,
    queues: ['default'],
    concurrency: 1,
    resources: {},
    leaseMs,
    version: '0',
  });
  const running = watchRun(['pipe.ts', '--queue', 'default'], { cwd: it.files.directory });
  const job = await until(
    project,
    async () => (await store.nextQueued({ queues: ['default'], order: 'given' })).job,
  );
  const claimed = await store.claimQueued({ ...job, executor: identity, agent: 'test', leaseMs });
  if (!claimed.ok) throw new Error('somebody else has it');
  const spec = specOf(claimed.job);
  const agent: AgentContext = {
    id: 'test',
    identity,
    project,
    pool: undefined as never, // nothing is executed
    environment: {},
    secretKey: await store.secretKey(),
    provideEnvironment,
    leaseMs,
    graceMs: 0,
    lostWorkers: new Set(),
    tell: () => {},
  };
  const { signal } = new AbortController();
  const kept = async (platform: string): Promise<string | undefined> => {
    const given = { job: claimed.job, spec: { ...spec, platform }, signal, onProgress: () => {} };
    return (await stepExecutable(agent, given)).uncacheable();
  };
  expect(await kept(spec.platform)).toBeUndefined();
  expect(await kept('node 1')).toBe(`it was executed with ${spec.platform}`);
  await store.finishTask({ task: job.task, fence: claimed.fence, status: 'failed', artifacts: [] });
  expect((await running).code).toBe(1);
});
