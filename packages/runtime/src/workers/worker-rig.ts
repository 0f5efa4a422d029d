import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  stepName,
  runId,
  taskId,
  type Digest,
  type Report,
  type StoredArtifact,
  type TaskEdit,
} from '@run-pipeline/core/model';
import { build } from 'esbuild';
import { afterAll, afterEach } from 'vitest';
import { decodeValue, directoryBlobs, encodeValue } from '../artifacts/index.js';
import { createWorkerPool, type WorkerPoolOptions } from './pool.js';
import type { AbortCause, InputValue, TaskOutcome, TaskRequest, WorkerPool } from './protocol.js';

/**
 * For the tests of this room: real worker processes from a bundled entry, and task packages written by
 * hand. `use()` in a test file gives a rig whose files and processes go away with the tests.
 */
export interface WorkerRig {
  readonly directory: string;
  /** URL of what packages import as 'run-pipeline', as far as steps need it. */
  readonly framework: string;
  readonly workerFile: string;
  /**
   * A controller in a process of its own: a module in which `createWorkerPool` and `workerFile` are known.
   * Unlike the test's own process it is plain Node, and may be killed.
   */
  controller(code: string): Promise<ChildProcessByStdio<null, Readable, null>>;
  pool(options?: Partial<WorkerPoolOptions>): Promise<WorkerPool>;
  /** Writes a task package of this code; `$framework` in it becomes the URL. */
  package(code: string, options?: { readonly sourceMap?: object }): Promise<TaskRequest['package']>;
  /** A request for a function without inputs, but for what is given. */
  request(code: string | TaskRequest['package'], options?: Partial<TaskRequest>): Promise<TaskRequest>;
  encoded(value: unknown, path?: readonly string[]): Promise<InputValue>;
  decoded(stored: StoredArtifact | undefined): Promise<unknown>;
  execute(pool: WorkerPool, request: TaskRequest, options?: ExecuteOptions): Promise<Execution>;
}

export interface ExecuteOptions {
  readonly isolation?: 'process' | 'fresh' | 'inline';
  readonly closureKey?: string;
  readonly ownWorker?: boolean;
  readonly signal?: AbortSignal;
  readonly onStart?: Parameters<WorkerPool['execute']>[0]['onStart'];
  readonly onLog?: Parameters<WorkerPool['execute']>[0]['onLog'];
  readonly onReport?: (report: Report, inline: Uint8Array | undefined) => void;
  readonly onEdit?: (edit: TaskEdit) => void;
  readonly onArtifact?: (artifact: StoredArtifact) => void;
}

export interface Execution {
  readonly outcome: TaskOutcome;
  readonly stdout: string;
  readonly stderr: string;
  readonly reports: readonly Report[];
  readonly pid: number;
}

const room = fileURLToPath(new URL('.', import.meta.url));
const runtime = join(room, '../..');
const alias = Object.fromEntries(
  ['model', 'references', 'graph', 'define', 'run-view', 'ports'].map((name) => [
    `@run-pipeline/core/${name}`,
    join(runtime, '../core/src', name, 'index.ts'),
  ]),
);

export async function useWorkers(): Promise<WorkerRig> {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-workers-'));
  const built = await buildWorker();
  const pools: WorkerPool[] = [];
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });
  afterAll(async () => {
    await Promise.all([directory, built].map((path) => rm(path, { recursive: true, force: true })));
  });

  const framework = pathToFileURL(join(built, 'framework.js')).href;
  const blobsPath = join(directory, 'blobs');
  const blobs = directoryBlobs(blobsPath);
  let packages = 0;
  let tasks = 0;
  let controllers = 0;

  const rig: WorkerRig = {
    directory,
    framework,
    workerFile: join(built, 'worker.js'),
    async controller(code) {
      const file = join(directory, `controller-${(controllers += 1)}.mjs`);
      const head = `import { createWorkerPool } from ${JSON.stringify(join(built, 'pool.js'))};\nconst workerFile = ${JSON.stringify(join(built, 'worker.js'))};\n`;
      await writeFile(file, head + code);
      return spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    },
    async pool(options) {
      const pool = createWorkerPool({
        workerFile: join(built, 'worker.js'),
        size: 2,
        recycle: { rssGrowthBytes: 1e9, loadedBytes: 1e9 },
        graceMs: 5_000,
        ...options,
      });
      pools.push(pool);
      return pool;
    },
    async package(code, { sourceMap } = {}) {
      const path = join(directory, `package-${(packages += 1)}`);
      await mkdir(path);
      const file = join(path, 'task.mjs');
      await writeFile(file, code.replaceAll('$framework', framework));
      const map = sourceMap === undefined ? undefined : `${file}.map`;
      if (map !== undefined) await writeFile(map, JSON.stringify(sourceMap));
      return { hash: `sha256:${'0'.repeat(64)}` as Digest, file, sourceMap: map, externals: [] };
    },
    async request(code, options = {}) {
      return {
        task: taskId(`task-${(tasks += 1)}`),
        run: runId('run-1'),
        step: stepName('step'),
        attempt: 1,
        pipeline: 'demo',
        project: 'tests',
        package: typeof code === 'string' ? await rig.package(code) : code,
        entry: { kind: 'function' },
        binding: { kind: 'positional' },
        arguments: { kind: 'none' },
        parameters: [],
        returns: undefined,
        env: { PATH: process.env.PATH ?? '' },
        secrets: [],
        cwd: directory,
        blobs: { kind: 'directory', path: blobsPath },
        assetsDirectory: undefined,
        timeout: undefined,
        ...options,
      };
    },
    async encoded(value, path) {
      const { record, inline } = await encodeValue(value, { name: 'input', blobs, now: new Date() });
      return {
        kind: 'encoded',
        codec: record.type,
        codecVersion: record.codecVersion,
        hash: record.hash,
        ...(inline !== undefined && { inline }),
        ...(record.meta !== undefined && { meta: record.meta }),
        ...(path !== undefined && { path }),
      };
    },
    async decoded(stored) {
      if (stored === undefined) throw new Error('there is no such artifact');
      const { record, inline } = stored;
      return decodeValue(
        {
          codec: record.type,
          codecVersion: record.codecVersion,
          hash: record.hash,
          inline,
          meta: record.meta,
        },
        { blobs, directory: join(directory, 'copies') },
      );
    },
    async execute(pool, request, options = {}) {
      const text = { stdout: '', stderr: '' };
      const reports: Report[] = [];
      let pid = 0;
      const outcome = await pool.execute({
        request,
        isolation: options.isolation ?? 'process',
        closureKey: options.closureKey ?? 'closure',
        ownWorker: options.ownWorker ?? false,
        signal: options.signal ?? new AbortController().signal,
        async onStart(worker) {
          pid = worker.pid;
          await options.onStart?.(worker);
        },
        onLog(chunk) {
          text[chunk.stream] += chunk.text;
          return options.onLog?.(chunk);
        },
        onReport(report, inline) {
          reports.push(report);
          options.onReport?.(report, inline);
        },
        onEdit: (edit) => options.onEdit?.(edit),
        onArtifact: (artifact) => options.onArtifact?.(artifact),
      });
      return { outcome, ...text, reports, pid };
    },
  };
  return rig;
}

/** The signal of the engine, aborted for a cause. */
export function aborter(): { readonly signal: AbortSignal; abort(reason: AbortCause): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort({ reason }) };
}

/** Bundled like the package, into a place from which dependencies are found. */
async function buildWorker(): Promise<string> {
  const cache = join(runtime, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const outdir = await mkdtemp(join(cache, 'worker-'));
  await build({
    entryPoints: {
      worker: join(room, 'child.ts'),
      pool: join(room, 'pool.ts'),
      framework: join(room, '../task/index.ts'),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['superjson', '@jridgewell/*', 'apache-arrow'],
    alias,
    logLevel: 'error',
  });
  return outdir;
}
