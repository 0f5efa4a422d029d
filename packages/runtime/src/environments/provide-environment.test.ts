import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { isAlive } from '../project/process-identity.js';
import { environmentKey, thisPlatform } from './environment-key.js';
import {
  closedPort,
  installerProgram,
  lockOf,
  manifestOf,
  Registry,
  Scratch,
  startInstaller,
} from './environment-rig.test-support.js';
import { provideEnvironment } from './provide-environment.js';

let scratch: Scratch;
let registry: Registry;
let program: string;
let lock: string;
const integrities: Record<string, string> = {};

const json = (name: string, version: string, more: object = {}): string =>
  JSON.stringify({ name, version, main: 'index.js', ...more });

beforeAll(async () => {
  registry = await new Registry().start();
  integrities['one'] = await registry.publish({
    'package.json': json('one', '1.0.0', { dependencies: { two: '^2.0.0' } }),
    'index.js': "exports.name = 'one'; exports.two = require('two').name;",
  });
  integrities['two'] = await registry.publish({
    'package.json': json('two', '2.0.1'),
    'index.js': "exports.name = 'two';",
  });
  await registry.publish({ 'package.json': json('two', '2.0.9'), 'index.js': "exports.name = 'newer';" });
  integrities['scripted'] = await registry.publish({
    'package.json': json('scripted', '1.0.0', {
      scripts: {
        install: `node -e "require('fs').writeFileSync('made.js', 'module.exports = ' + JSON.stringify(process.env))"`,
      },
    }),
    'index.js': "try { exports.env = require('./made.js') } catch {}",
  });
  lock = lockOf(
    {
      one: { version: '1.0.0', integrity: integrities['one'], dependencies: { two: '^2.0.0' } },
      two: { version: '2.0.1', integrity: integrities['two'] },
    },
    ['one'],
  );
  program = await installerProgram();
});
afterAll(async () => registry.stop());
beforeEach(async () => {
  scratch = await Scratch.create();
  registry.requests.length = 0;
  registry.intercept = undefined;
});
afterEach(async () => rm(scratch.directory, { recursive: true, force: true, maxRetries: 5 }));

function load(root: string, name: string): unknown {
  return createRequire(join(root, 'task.js'))(name);
}

test('what the lockfile says is installed, in the locked versions, and can be required', async () => {
  const request = scratch.request({ lock, registry: registry.url });
  const { root, origin } = await provideEnvironment(request);
  expect(origin).toBe('cache');
  expect(load(root, 'one')).toEqual({ name: 'one', two: 'two' });
  expect(request.progress).toEqual(['installing 2 npm packages: one@1.0.0']);
  expect(await scratch.leftovers()).toEqual([]);
  expect((await readdir(root)).sort()).toEqual([
    'environment.json',
    'node_modules',
    'package-lock.json',
    'package.json',
  ]);
});

test('what is there is used without a network, and marked as used', async () => {
  const { root } = await provideEnvironment(scratch.request({ lock, registry: registry.url }));
  const long = Date.now() / 1000 - 3600;
  await utimes(join(root, 'environment.json'), long, long);
  const again = scratch.request({ lock, registry: await closedPort() });
  expect((await provideEnvironment(again)).root).toBe(root);
  expect(again.progress).toEqual([]);
  expect((await stat(join(root, 'environment.json'))).mtimeMs).toBeGreaterThan(Date.now() - 1_000_000);
});

test('a package without npm dependencies needs nothing, and finds nothing', async () => {
  const { root } = await provideEnvironment(scratch.request({ lock: undefined }));
  expect(await readdir(root)).toEqual([]);
});

test('a directory that was not finished is not used', async () => {
  const key = environmentKey({ lock, scripts: [], platform: thisPlatform() });
  const directory = join(scratch.directory, 'environments', key);
  await mkdir(join(directory, 'node_modules'), { recursive: true });
  const { root } = await provideEnvironment(scratch.request({ lock, registry: registry.url }));
  expect(root).toBe(directory);
  expect(load(root, 'one')).toHaveProperty('two', 'two');
  expect(await scratch.leftovers()).toEqual([]);
});

test('another platform, libc, Node ABI or set of scripts is another environment', () => {
  const platform = thisPlatform();
  const keys = [
    environmentKey({ lock, scripts: [], platform }),
    environmentKey({ lock: `${lock} `, scripts: [], platform }),
    environmentKey({ lock, scripts: ['one'], platform }),
    ...Object.keys(platform).map((part) =>
      environmentKey({ lock, scripts: [], platform: { ...platform, [part]: 'other' } }),
    ),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(environmentKey({ lock, scripts: [], platform })).toBe(keys[0]);
});

test('processes that want the same at once install it once', async () => {
  const request = scratch.request({ lock, registry: registry.url });
  const installers = [1, 2, 3].map(() => startInstaller(program, request));
  const said = await Promise.all(installers.map(async (each) => each.said));
  const roots = said.map((text) => /^root (.*)$/m.exec(text)?.[1]);
  expect(new Set(roots).size).toBe(1);
  expect(said.filter((text) => text.includes('progress installing'))).toHaveLength(1);
  const tarballs = registry.requests.filter((url) => url.endsWith('.tgz'));
  expect(tarballs).toHaveLength(2);
  expect(await scratch.leftovers()).toEqual([]);
});

test('two tasks of one process that want the same at once install it once', async () => {
  const requests = [1, 2].map(() => scratch.request({ lock, registry: registry.url }));
  await Promise.all(requests.map(async (request) => provideEnvironment(request)));
  expect(registry.requests.filter((url) => url.endsWith('.tgz'))).toHaveLength(2);
  expect(requests.flatMap((request) => request.progress).sort()).toEqual([
    'another process installs one@1.0.0: waiting for it',
    'installing 2 npm packages: one@1.0.0',
  ]);
});

test('an installer that is killed leaves its lock to the next one, which ends its npm', async () => {
  const isAsked = registry.hang();
  const request = scratch.request({ lock, registry: registry.url });
  const { child, said } = startInstaller(program, request);
  await isAsked;
  const npm = await npmOfLock();
  child.kill('SIGKILL');
  await said;
  expect(isAlive(npm)).toBe('alive');
  registry.intercept = undefined;
  const { root } = await provideEnvironment(request);
  expect(load(root, 'one')).toHaveProperty('name', 'one');
  await expect.poll(() => isAlive(npm)).toBe('dead');
  expect(await scratch.leftovers()).toEqual([]);
});

async function npmOfLock(): Promise<ProcessIdentity> {
  const [name] = (await scratch.leftovers()).filter((each) => each.startsWith('.lock-'));
  const text = await readFile(join(scratch.directory, 'environments', name!), 'utf8');
  return (JSON.parse(text) as { leftovers: { npm: ProcessIdentity } }).leftovers.npm;
}

test('who stops waiting for another installer goes on at once', async () => {
  const isAsked = registry.hang();
  const controller = new AbortController();
  const first = provideEnvironment(
    scratch.request({ lock, registry: registry.url, signal: controller.signal }),
  );
  await isAsked;
  const waiting = new AbortController();
  const second = scratch.request({ lock, registry: registry.url, signal: waiting.signal });
  const waits = provideEnvironment({ ...second, onProgress: () => waiting.abort(new Error('enough')) });
  await expect(waits).rejects.toThrow('enough');
  controller.abort(new Error('all of it'));
  await expect(first).rejects.toThrow('all of it');
});

test('an abort ends npm and all it started, and leaves nothing', async () => {
  const isAsked = registry.hang();
  const controller = new AbortController();
  const provided = provideEnvironment(
    scratch.request({ lock, registry: registry.url, signal: controller.signal }),
  );
  await isAsked;
  const npm = await npmOfLock();
  controller.abort(new Error('the task was stopped'));
  await expect(provided).rejects.toThrow('the task was stopped');
  expect(isAlive(npm)).toBe('dead');
  expect(await scratch.unfinished()).toEqual([]);
  expect(await scratch.environments()).toEqual([]);
});

test('a failed installation says which packages, what npm said, and what to do; the next one may succeed', async () => {
  const url = await closedPort();
  const request = scratch.request({ lock, registry: url });
  await expect(provideEnvironment(request)).rejects.toMatchObject({
    kind: 'load',
    code: 'environment-install',
    message: expect.stringMatching(
      /^cannot install one@1\.0\.0: `npm ci` ended with code 1\n[\s\S]*ECONNREFUSED/,
    ),
    help: expect.stringContaining('cannot be reached'),
  });
  expect(await scratch.unfinished()).toEqual([]);
  expect(await scratch.environments()).toEqual([]);
  await expect(
    provideEnvironment({ ...request, env: { ...request.env, npm_config_registry: registry.url } }),
  ).resolves.toHaveProperty('origin', 'cache');
});

test('what is not what was locked is not installed', async () => {
  const other = lockOf({ two: { version: '2.0.1', integrity: integrities['one']! } });
  await expect(
    provideEnvironment(scratch.request({ lock: other, registry: registry.url })),
  ).rejects.toMatchObject({
    code: 'environment-install',
    message: expect.stringContaining('EINTEGRITY'),
    help: expect.stringContaining('other content than the project locked'),
  });
  expect(await scratch.environments()).toEqual([]);
});

test('credentials of the registry reach npm, and no message', async () => {
  await writeFile(
    join(scratch.directory, '.npmrc'),
    `registry=${registry.url}\n${registry.url.slice('http:'.length)}:_authToken=\${REGISTRY_TOKEN}\n`,
  );
  let authorization: string | undefined;
  registry.intercept = (request, response) => {
    authorization = request.headers.authorization;
    response.writeHead(403).end(JSON.stringify({ error: 'no access for s3cr3t-token' }));
    return true;
  };
  const request = scratch.request({ lock, env: { REGISTRY_TOKEN: 's3cr3t-token', TASK_SECRET: 'x' } });
  const failure = await provideEnvironment(request).catch((error: unknown) => error as Error);
  expect(authorization).toBe('Bearer s3cr3t-token');
  expect(failure).toMatchObject({ help: expect.stringContaining('refused this machine') });
  expect((failure as Error).message).toContain('403');
  expect((failure as Error).message).not.toContain('s3cr3t');
});

test('install scripts run for packages that are allowed, without secrets, and for no others', async () => {
  const scripted = lockOf({
    scripted: { version: '1.0.0', integrity: integrities['scripted']!, hasInstallScript: true },
  });
  const env = { TASK_SECRET: 'x', npm_config__auth: 'y' };
  const request = scratch.request({ lock: scripted, registry: registry.url, env });
  const plain = await provideEnvironment(request);
  expect(load(plain.root, 'scripted')).toEqual({});
  expect(request.progress.at(-1)).toBe(
    'install scripts of scripted did not run (RUN_PIPELINE_ALLOW_SCRIPTS=scripted allows them)',
  );
  const allowed = scratch.request({
    lock: scripted,
    registry: registry.url,
    env: { ...env, RUN_PIPELINE_ALLOW_SCRIPTS: 'other, scripted' },
  });
  const built = await provideEnvironment(allowed);
  expect(built.root).not.toBe(plain.root);
  const seen = (load(built.root, 'scripted') as { env: Record<string, string> }).env;
  expect(seen).toHaveProperty('PATH');
  expect(JSON.stringify(seen)).not.toContain('TASK_SECRET');
  expect(seen).not.toHaveProperty('npm_config__auth');
});

test('a name that is none in the list of allowed scripts is an error', async () => {
  const env = { RUN_PIPELINE_ALLOW_SCRIPTS: 'one,--foreground-scripts' };
  await expect(
    provideEnvironment(scratch.request({ lock, registry: registry.url, env })),
  ).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining('`--foreground-scripts`') });
});

test('npm settings that would leave packages out do not count', async () => {
  await writeFile(
    join(scratch.directory, '.npmrc'),
    'omit[]=dev\nomit[]=peer\ndry-run=true\npackage-lock=false\n',
  );
  const marked = lockOf({
    two: { version: '2.0.1', integrity: integrities['two']!, dev: true, peer: true },
  });
  const env = { NODE_ENV: 'production', npm_config_omit: 'dev', npm_config_global: 'true' };
  const { root } = await provideEnvironment(scratch.request({ lock: marked, registry: registry.url, env }));
  expect(load(root, 'two')).toEqual({ name: 'two' });
});

test("the settings of the machine's project are used, and not kept", async () => {
  const project = join(scratch.directory, 'project');
  await mkdir(project);
  await writeFile(join(project, '.npmrc'), `registry=${registry.url}\n`);
  const { root } = await provideEnvironment(
    scratch.request({ lock, project, manifest: manifestOf([{ name: 'one', version: '1.0.0' }]) }),
  );
  expect(load(root, 'one')).toHaveProperty('two', 'two');
  expect(await readdir(root)).not.toContain('.npmrc');
  expect(await readFile(join(project, '.npmrc'), 'utf8')).toContain(registry.url);
});

test('a package that was patched, or is only where the project is, is refused before anything is installed', async () => {
  const manifest = manifestOf([
    { name: 'two', version: '2.0.1', integrity: `${integrities['two']} patch:abc` },
  ]);
  await expect(provideEnvironment(scratch.request({ lock, manifest }))).rejects.toMatchObject({
    code: 'environment-source',
    message: 'the package two@2.0.1 cannot be installed here: it was patched in the project',
  });
  const unavailable = [{ package: 'two@2.0.1', why: 'it is linked from packages/two' }];
  const linked = JSON.stringify({ ...(JSON.parse(lock) as object), unavailable });
  await expect(provideEnvironment(scratch.request({ lock: linked }))).rejects.toMatchObject({
    code: 'environment-source',
    message: 'the package two@2.0.1 cannot be installed here: it is linked from packages/two',
  });
});
