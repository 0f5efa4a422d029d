import { dirname, relative } from 'node:path';
import { receiveMessageOnPort } from 'node:worker_threads';
import { setTimeout as delay } from 'node:timers/promises';
import { directory, file } from '@run-pipeline/core/define';
import {
  formatLocation,
  isRunPipelineError,
  taskId,
  type ErrorRecord,
  type StoredArtifact,
  type TaskId,
  type TaskScript,
} from '@run-pipeline/core/model';
import { encodeValue, sha256, storePacked } from '../artifacts/index.js';
import { AttemptOutput } from '../engine/attempt/attempt-output.js';
import { openProject } from '../engine/open-project.js';
import { graceMs, leaseMs } from '../engine/settings.js';
import { packageScript, publishPackages, signPackages } from '../package/index.js';
import { readGitState } from '../project/index.js';
import { newTaskId } from '../project/new-id.js';
import { processIdentity } from '../project/process-identity.js';
import type { Project } from '../project/project.js';
import { toPortable } from '../tasks/portable-error.js';
import {
  SHARED,
  type Content,
  type FromRecorder,
  type NewScriptTask,
  type RecorderData,
  type ToRecorder,
} from '../tasks/recorder-protocol.js';

/** A killed script loses what it said in so many milliseconds. */
const INTERVAL_MS = 5;

/** Messages that are worked off before anything else (a renewal of the lease) has its turn. */
const AT_ONCE = 1000;

/** Records the task of a script: in a thread of the script's own process, from its start to its end. */
export async function recordScript({ port, shared, task }: RecorderData): Promise<void> {
  const words = new Int32Array(shared);
  const tell = (message: FromRecorder): void => {
    port.postMessage(message);
    Atomics.add(words, SHARED.answers, 1);
    Atomics.notify(words, SHARED.answers);
  };
  try {
    const begun = await begin(task, (message) => tell({ type: 'warning', message }));
    const recorded = new RecordedScript(begun, {
      tell,
      env: task.env,
      processed(size) {
        Atomics.add(words, SHARED.processed, size);
        Atomics.notify(words, SHARED.processed);
      },
      over() {
        Atomics.store(words, SHARED.over, 1);
        Atomics.notify(words, SHARED.processed);
        Atomics.notify(words, SHARED.answers);
        // The other end may still read what was told; this thread has nothing left to do.
        port.unref();
      },
    });
    port.on('message', (message: ToRecorder) => {
      recorded.receive(message);
      // Taken from the port in one go: an event for each would cost more than what is done with it.
      for (let count = 0; count < AT_ONCE; count += 1) {
        const received = receiveMessageOnPort(port) as { readonly message: ToRecorder } | undefined;
        if (received === undefined) return;
        recorded.receive(received.message);
      }
    });
    const { project, id, fence, script } = begun;
    tell({
      type: 'started',
      id,
      fence,
      root: project.root,
      home: project.home,
      blobsDirectory: project.blobsDirectory,
      hasPackage: script?.package !== undefined,
    });
  } catch (error) {
    tell({ type: 'refused', error: toPortable(error) });
    port.close();
  }
}

interface Begun {
  readonly project: Project;
  readonly id: TaskId;
  readonly fence: number;
  readonly script: TaskScript | undefined;
}

async function begin(task: NewScriptTask, onWarning: (message: string) => void): Promise<Begun> {
  const { cwd, env } = task;
  const project = await openProject({ cwd, env });
  const [script, git] = await Promise.all([
    describeScript(project, task, onWarning),
    readGitState(task.file === undefined ? cwd : dirname(task.file)),
  ]);
  const diff = git?.diff === undefined ? undefined : Buffer.from(git.diff);
  const diffHash = diff === undefined ? undefined : sha256(diff);
  const { diff: _, ...state } = git ?? { diff: undefined };
  const described: TaskScript | undefined =
    script === undefined || git === undefined
      ? script
      : {
          ...script,
          git: { ...(state as Omit<typeof git, 'diff'>), ...(diffHash !== undefined && { diff: diffHash }) },
        };
  const { store } = project;
  const id = newTaskId();
  await store.createTask({
    id,
    project: task.project,
    name: task.name,
    type: task.type,
    edit: {
      tags: task.tags,
      comment: task.comment,
      ...(described !== undefined && { script: described }),
    },
    ...(diff !== undefined && { values: [{ hash: diffHash!, bytes: diff }] }),
  });
  const started = await store.startTask({ task: id, executor: processIdentity(), leaseMs: leaseMs(env) });
  if (!started.ok) throw new Error(`the task ${id} cannot be started: it is ${started.status ?? 'gone'}`);
  return { project, id, fence: started.fence, script: described };
}

/** Without a package the script still runs here and is recorded; it only cannot be executed elsewhere. */
async function describeScript(
  project: Project,
  { file: source, assets }: NewScriptTask,
  onWarning: (message: string) => void,
): Promise<TaskScript | undefined> {
  if (source === undefined) return undefined;
  const bare = { file: relative(project.root, source), dependencies: {}, node: process.versions.node };
  try {
    const { hash, manifest } = await packageScript({ paths: project, file: source, assets });
    signPackages(project, [hash]);
    await publishPackages(project, [hash]);
    return {
      file: manifest.source.file,
      package: hash,
      dependencies: manifest.dependencies,
      node: process.versions.node,
    };
  } catch (error) {
    const own = isRunPipelineError(error) ? error : undefined;
    // There is nothing wrong with the script, but with where it is to be recorded.
    if (own?.kind === 'store') throw error;
    const at = own?.at === undefined ? '' : ` (${formatLocation(own.at, project.cwd)})`;
    const message = error instanceof Error ? error.message : String(error);
    onWarning(`this script is recorded, but cannot be executed by an agent: ${message}${at}`);
    return bare;
  }
}

class RecordedScript {
  readonly #project: Project;
  readonly #task: TaskId;
  readonly #fence: number;
  readonly #leaseMs: number;
  readonly #graceMs: number;
  readonly #tell: (message: FromRecorder) => void;
  readonly #processed: (size: number) => void;
  readonly #setOver: () => void;
  readonly #output: AttemptOutput;
  readonly #heart: NodeJS.Timeout;
  readonly #unwatch: () => void;
  /** What came while something before it has to be waited for. */
  #waiting: ToRecorder[] = [];
  #working: Promise<void> | undefined;
  /** Uploads, one after the other: they may be large, and the console does not wait for them. */
  #uploads: Promise<void> = Promise.resolve();
  /** A report that could not be stored: the task has not all that it should have. */
  #failure: ErrorRecord | undefined;
  #stop: string | undefined;
  #looking = false;
  #over = false;

  constructor(
    { project, id, fence }: Begun,
    options: {
      readonly env: NewScriptTask['env'];
      readonly tell: (message: FromRecorder) => void;
      readonly processed: (size: number) => void;
      readonly over: () => void;
    },
  ) {
    this.#project = project;
    this.#task = taskId(id);
    this.#fence = fence;
    this.#leaseMs = leaseMs(options.env);
    this.#graceMs = graceMs(options.env);
    this.#tell = options.tell;
    this.#processed = options.processed;
    this.#setOver = options.over;
    this.#output = new AttemptOutput({
      store: project.store,
      blobs: project.blobs,
      task: this.#task,
      fence,
      intervalMs: INTERVAL_MS,
      onLost: () => this.#lose('another process took it for lost'),
    });
    this.#heart = setInterval(() => void this.#beat(), this.#leaseMs / 3);
    this.#unwatch = project.store.watch(() => void this.#lookForStop());
  }

  /** In order. Lines of output come by the hundred thousand: nothing is promised for them unless it has to be. */
  receive(message: ToRecorder): void {
    if (this.#working !== undefined) {
      this.#waiting.push(message);
      return;
    }
    const more = this.#handle(message);
    if (more === undefined) this.#processed(message.size);
    else this.#working = this.#work(message, more);
  }

  async #work(first: ToRecorder, handling: Promise<void>): Promise<void> {
    await this.#settle(first, handling);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const message of batch) {
        const more = this.#handle(message);
        if (more === undefined) this.#processed(message.size);
        else await this.#settle(message, more);
      }
    }
    this.#working = undefined;
  }

  async #settle(message: ToRecorder, handling: Promise<void>): Promise<void> {
    try {
      await handling;
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
    }
    this.#processed(message.size);
  }

  #handle(message: ToRecorder): void | Promise<void> {
    if (this.#over && message.type !== 'upload') return undefined;
    const output = this.#output;
    switch (message.type) {
      case 'log':
        return output.log(message.stream, message.text);
      case 'report':
        return output.report(message.report, undefined);
      case 'edit':
        return output.edit(message.edit);
      case 'upload':
        this.#uploads = this.#uploads.then(() => this.#upload(message));
        return undefined;
      case 'report-content':
        return this.#reportContent(message);
      case 'bring':
        void this.#bring(message);
        return undefined;
      case 'flush':
        return this.#flush(message.call);
      case 'end':
        return this.#end(message);
      case 'leave':
        return this.#leave(message);
      default:
        return message satisfies never;
    }
  }

  /** The script reads the directory itself; what it used lately stays there. */
  async #bring({ call, hash }: Extract<ToRecorder, { type: 'bring' }>): Promise<void> {
    try {
      (await this.#project.blobs.hold([hash])).release();
      this.#tell({ type: 'done', call, ok: true });
    } catch (error) {
      this.#tell({ type: 'failed', call, error: toPortable(error) });
    }
  }

  async #flush(call: number): Promise<void> {
    await this.#settled();
    this.#tell({ type: 'done', call, ok: !this.#output.lost });
  }

  async #settled(): Promise<void> {
    await this.#uploads;
    await this.#output.end();
  }

  async #reportContent(message: Extract<ToRecorder, { type: 'report-content' }>): Promise<void> {
    try {
      const { record, inline } = await this.#store(message.name, message.content);
      this.#output.report({ ...message.report, artifact: record } as never, inline);
    } catch (error) {
      const { name, message: text } = error instanceof Error ? error : new Error(String(error));
      this.#failure ??= { name, message: `the report ${message.name} could not be stored: ${text}` };
      this.#tell({ type: 'warning', message: this.#failure.message });
    }
  }

  async #upload(message: Extract<ToRecorder, { type: 'upload' }>): Promise<void> {
    const { call } = message;
    try {
      if (this.#over) throw new Error('the task is not recorded any more');
      const artifact = await this.#store(message.name, message.content);
      this.#output.artifact(artifact);
      await this.#output.end();
      this.#tell({ type: 'stored', call, artifact });
    } catch (error) {
      this.#tell({ type: 'failed', call, error: toPortable(error) });
    }
  }

  #store(name: string, content: Content): Promise<StoredArtifact> {
    const { blobs, cwd } = this.#project;
    const options = { name, blobs, now: new Date() };
    if (content.kind === 'packed') return storePacked(content.packed, options);
    const { path } = content;
    return encodeValue(content.directory ? directory(path) : file(path), { ...options, cwd });
  }

  async #end({ call, status, error }: Extract<ToRecorder, { type: 'end' }>): Promise<void> {
    await this.#settled();
    const ending =
      this.#stop !== undefined
        ? { status: 'aborted' as const, error: stopped(this.#stop) }
        : status === 'completed' && this.#failure !== undefined
          ? { status: 'failed' as const, error: this.#failure }
          : { status, ...(error !== undefined && { error }) };
    const ok = await this.#project.store.finishTask({
      task: this.#task,
      fence: this.#fence,
      artifacts: [],
      ...ending,
    });
    this.#tell({ type: 'done', call, ok });
    await this.#close();
  }

  async #leave({ call, job }: Extract<ToRecorder, { type: 'leave' }>): Promise<void> {
    await this.#settled();
    const ok = await this.#project.store.leaveTask(this.#task, this.#fence, job);
    this.#tell({ type: 'done', call, ok });
    if (ok) await this.#close();
  }

  async #beat(): Promise<void> {
    try {
      const held = await this.#project.store.heartbeatTask(this.#task, this.#fence, this.#leaseMs);
      if (!held && !this.#over) this.#lose('another process took it for lost');
    } catch {
      // A store that stays broken is told of by what is written next.
    }
  }

  async #lookForStop(): Promise<void> {
    if (this.#looking || this.#over || this.#stop !== undefined) return;
    this.#looking = true;
    try {
      const stop = (await this.#project.store.readTaskStops([this.#task])).get(this.#task);
      if (stop !== undefined) void this.#stopScript(stop.message);
    } catch {
      // The next commit wakes again.
    } finally {
      this.#looking = false;
    }
  }

  /** It may end by itself in the grace period; busy code is ended from here. */
  async #stopScript(message: string): Promise<void> {
    this.#stop = message;
    this.#tell({ type: 'stop', message });
    await delay(this.#graceMs);
    if (this.#over) return;
    await this.#settled();
    const { store } = this.#project;
    const [task, fence] = [this.#task, this.#fence];
    await store.finishTask({ task, fence, status: 'aborted', artifacts: [], error: stopped(message) });
    process.kill(process.pid, 'SIGTERM');
    await delay(this.#graceMs);
    process.kill(process.pid, 'SIGKILL');
  }

  #lose(message: string): void {
    if (this.#over) return;
    this.#tell({ type: 'over', message });
    void this.#close();
  }

  async #close(): Promise<void> {
    this.#over = true;
    clearInterval(this.#heart);
    this.#unwatch();
    this.#setOver();
    await this.#project.close();
  }
}

const stopped = (message: string): ErrorRecord => ({ name: 'TaskAborted', code: 'stopped', message });
