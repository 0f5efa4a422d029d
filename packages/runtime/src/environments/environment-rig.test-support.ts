import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PackageManifest } from '@run-pipeline/core/model';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import type { EnvironmentRequest } from './environment.js';

const execute = promisify(execFile);
const room = fileURLToPath(new URL('.', import.meta.url));

/** A package as it would be published, by files; `package.json` has its name and version at least. */
export type Published = Readonly<Record<string, string>>;

/** A registry for npm on this machine: real tarballs over real HTTP. */
export class Registry {
  readonly requests: string[] = [];
  /** Answers before the registry does; return true when the request is dealt with. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly #tarballs = new Map<string, Buffer>();
  readonly #documents = new Map<string, { name: string; versions: Record<string, object> }>();
  readonly #server = createServer((request, response) => {
    this.requests.push(request.url ?? '');
    if (this.intercept?.(request, response) === true) return;
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const tarball = this.#tarballs.get(path);
    if (tarball !== undefined) response.end(tarball);
    else if (this.#documents.has(path)) response.end(JSON.stringify(this.#documents.get(path)));
    else response.writeHead(404).end('{}');
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Answers nothing from now on; resolves when it was asked for something. */
  async hang(): Promise<void> {
    return new Promise((resolve) => {
      this.intercept = () => {
        resolve();
        return true;
      };
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Gives the integrity that a lockfile would hold. */
  async publish(files: Published): Promise<string> {
    const json = JSON.parse(files['package.json']!) as { name: string; version: string };
    const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-publish-'));
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, 'package', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    await execute('tar', ['czf', 'package.tgz', 'package'], { cwd: directory });
    const tarball = await readFile(join(directory, 'package.tgz'));
    await rm(directory, { recursive: true });
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const path = `${json.name}/-/${json.name.replace(/^.*\//, '')}-${json.version}.tgz`;
    this.#tarballs.set(path, tarball);
    const document = this.#documents.get(json.name) ?? { name: json.name, versions: {} };
    document.versions[json.version] = { ...json, dist: { tarball: this.url + path, integrity } };
    this.#documents.set(json.name, document);
    return integrity;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** What a package's lock.json says of a package. */
export interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly [more: string]: unknown;
}

/** A lock.json; direct dependencies are those at the top. */
export function lockOf(packages: Readonly<Record<string, Locked>>, direct = Object.keys(packages)): string {
  const at = (name: string): string => `node_modules/${name}`;
  const dependencies = Object.fromEntries(direct.map((name) => [name, packages[name]!.version]));
  const entries = Object.entries(packages).map(([name, entry]) => [at(name), entry]);
  return JSON.stringify({
    name: 'task',
    lockfileVersion: 3,
    requires: true,
    packages: { '': { dependencies }, ...(Object.fromEntries(entries) as object) },
  });
}

/** A manifest of a task that imports packages; what these tests do not look at is not there. */
export function manifestOf(
  closure: PackageManifest['closure'],
  externals: PackageManifest['externals'] = [],
): PackageManifest {
  return { closure, externals, closureHash: 'sha256:0' } as unknown as PackageManifest;
}

export class Scratch {
  static async create(): Promise<Scratch> {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'run-pipeline-environments-')));
    return new Scratch(directory);
  }

  private constructor(readonly directory: string) {}

  /** Nothing but what it is told: no settings of whoever runs the tests but for PATH. */
  request(options: {
    readonly lock: string | undefined;
    readonly registry?: string | undefined;
    readonly manifest?: PackageManifest;
    readonly project?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly signal?: AbortSignal;
    readonly cache?: string;
  }): EnvironmentRequest & { readonly progress: string[] } {
    const progress: string[] = [];
    return {
      cache: options.cache ?? join(this.directory, 'environments'),
      lock: options.lock,
      manifest: options.manifest ?? manifestOf([]),
      project: options.project,
      env: {
        PATH: process.env['PATH'],
        HOME: this.directory,
        npm_config_fetch_retries: '0',
        ...(options.registry === undefined ? {} : { npm_config_registry: options.registry }),
        ...options.env,
      },
      signal: options.signal ?? new AbortController().signal,
      onProgress: (line) => progress.push(line),
      progress,
    };
  }

  /** What the cache holds beside whole environments. */
  async leftovers(): Promise<string[]> {
    const names = await readdir(join(this.directory, 'environments'));
    return names.filter((name) => name.startsWith('.'));
  }

  async unfinished(): Promise<string[]> {
    return (await this.leftovers()).filter((name) => !name.startsWith('.lock-'));
  }

  async environments(): Promise<string[]> {
    const names = await readdir(join(this.directory, 'environments'));
    return names.filter((name) => !name.startsWith('.'));
  }
}

/** A port at which nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/`;
}

/** Processes of their own that provide environments: built from the sources, they may be killed. */
export async function installerProgram(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-installer-'));
  afterAll(async () => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'installer.mjs');
  await build({
    stdin: {
      contents: `import { provideEnvironment } from './provide-environment.js';
        const request = JSON.parse(process.argv[2]);
        const onProgress = (line) => process.stdout.write('progress ' + line + '\\n');
        const { root } = await provideEnvironment({ ...request, signal: new AbortController().signal, onProgress });
        process.stdout.write('root ' + root + '\\n');`,
      resolveDir: room,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: file,
    packages: 'external',
    alias: Object.fromEntries(
      ['model', 'ports'].map((name) => [
        `@run-pipeline/core/${name}`,
        join(room, '../../../core/src', name, 'index.ts'),
      ]),
    ),
  });
  return file;
}

export interface Installer {
  readonly child: ChildProcess;
  /** Of everything it said, when it has ended. */
  readonly said: Promise<string>;
}

export function startInstaller(program: string, request: EnvironmentRequest): Installer {
  const child = spawn(process.execPath, [program, JSON.stringify({ ...request, progress: undefined })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { child, said: once(child, 'exit').then(() => text) };
}
