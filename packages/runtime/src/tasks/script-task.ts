import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { fileMarker } from '@run-pipeline/core/define';
import {
  mergeEdits,
  mergeParameters,
  RunPipelineError,
  type ErrorRecord,
  type StoredArtifact,
  type TaskEdit,
  type TaskType,
} from '@run-pipeline/core/model';
import type { QueuePlace } from '@run-pipeline/core/ports';
import { decodeValue, directoryBlobs, image, packValue } from '../artifacts/index.js';
import {
  checkUpload,
  createTaskLogger,
  pathAsFile,
  setProcessTask,
  withLiveTask,
  type CurrentTask,
  type LiveTask,
  type ReportContent,
} from '../task/index.js';
import { captureConsole, type ConsoleCapture } from './console-capture.js';
import { LostWatcher } from './lost-watcher.js';
import { Recorder } from './recorder.js';
import type { Content, NewScriptTask, ReportWithArtifact } from './recorder-protocol.js';
import { ScriptEnd } from './script-end.js';
import { programName } from '../project/as-typed.js';

export interface ScriptTaskOptions extends Omit<NewScriptTask, 'env'> {
  /** The entry of the recording thread. */
  readonly recorder: URL;
  readonly errorRecord: (thrown: unknown, cwd: string) => ErrorRecord;
}

/**
 * The task of a script that was started by hand: its process. From here on its console, reports, uploads and
 * its end are recorded, whichever way it ends.
 */
export class ScriptTask {
  readonly current: CurrentTask;
  readonly #recorder: Recorder;
  readonly #watcher: LostWatcher;
  readonly #capture: ConsoleCapture;
  readonly #end: ScriptEnd;
  readonly #leaveProcess: () => void;
  readonly #abort = new AbortController();
  readonly #uploaded = new Map<string, StoredArtifact>();
  readonly #latest = new Map<string, number>();
  readonly #cwd: string;
  #uploads = 0;
  /** Uploads whose codec is still at work: nothing of them could be stored. */
  #packing = 0;
  #ended = false;

  private constructor(recorder: Recorder, options: ScriptTaskOptions, capture: ConsoleCapture) {
    this.#recorder = recorder;
    this.#capture = capture;
    this.#cwd = options.cwd;
    const { started } = recorder;
    this.#watcher = new LostWatcher(options.recorder, {
      cwd: options.cwd,
      home: started.home,
      task: started.id,
      fence: started.fence,
      pid: process.pid,
    });
    this.current = this.#currentTask(options);
    this.#leaveProcess = setProcessTask(this.current);
    this.#end = new ScriptEnd({
      errorRecord: (thrown) => options.errorRecord(thrown, options.cwd),
      onFatal: (error) => this.#recorder.log('stderr', `${inspect(error)}\n`),
      onExit: (outcome) => this.#exit(outcome.status, outcome.error),
    });
  }

  static async start(options: ScriptTaskOptions): Promise<ScriptTask> {
    const { recorder: entry, errorRecord: _, ...task } = options;
    // Known to what the thread tells when it is made.
    const made: { script?: ScriptTask } = {};
    const recorder = await Recorder.start(
      entry,
      { ...task, env: { ...process.env } },
      {
        onStop: (message) => {
          if (made.script !== undefined) made.script.#stop(message);
        },
        onWarning: (message) => {
          if (made.script === undefined) process.stderr.write(`run-pipeline: ${harmless(message)}\n`);
          else made.script.#say(message);
        },
      },
    );
    const { id } = recorder.started;
    process.stderr.write(
      `Task ${harmless(options.name).replaceAll('\n', ' ')}: created task ${id}\n  ${programName()} task show ${id}   shows it\n`,
    );
    const capture = captureConsole((stream, text) => recorder.log(stream, text));
    return (made.script = new ScriptTask(recorder, options, capture));
  }

  get ended(): boolean {
    return this.#ended;
  }

  get hasPackage(): boolean {
    return this.#recorder.started.hasPackage;
  }

  /** Ends the task while the process goes on. */
  async end(status: 'completed' | 'failed', error?: ErrorRecord): Promise<void> {
    if (this.#ended) return;
    this.#release();
    if (await this.#recorder.end(status, error)) this.#watcher.end();
  }

  flush(): Promise<void> {
    return this.#recorder.flush();
  }

  /** As if it had not been started. The caller ends the process. */
  leave(job?: QueuePlace): boolean {
    if (this.#ended) return false;
    const left = this.#recorder.leaveNow(job);
    if (left) {
      this.#release();
      this.#watcher.end();
    }
    return left;
  }

  /** Writes to the user's terminal, and not into the task's console. */
  say(text: string): void {
    this.#capture.say(text);
  }

  #exit(status: 'completed' | 'failed' | 'aborted', error: ErrorRecord | undefined): void {
    if (this.#ended) return;
    if (this.#packing > 0) {
      this.#say(
        `process.exit() was called while ${this.#packing} upload${this.#packing === 1 ? ' was' : 's were'} still being encoded; await them first`,
      );
    }
    this.#release();
    if (this.#recorder.endNow(status, error)) this.#watcher.end();
  }

  /** Nothing more belongs to the task. */
  #release(): void {
    this.#capture.end();
    this.#ended = true;
    this.#end.forget();
    this.#leaveProcess();
  }

  #say(message: string): void {
    this.#capture.say(`run-pipeline: ${harmless(message)}\n`);
  }

  #stop(message: string): void {
    this.#say(`this task was asked to stop: ${message}`);
    this.#abort.abort(new DOMException(message, 'AbortError'));
  }

  #currentTask(options: ScriptTaskOptions): CurrentTask {
    const { started } = this.#recorder;
    const { name, project } = options;
    return withLiveTask(
      {
        id: started.id,
        name,
        run: started.id,
        attempt: 1,
        pipeline: name,
        project,
        signal: this.#abort.signal,
        logger: createTaskLogger({
          send: (report) => this.#recorder.report(report),
          sendStored: (title, content, make) => this.#reportStored(title, content, make),
        }),
        parameters: Object.freeze({}),
        uploadArtifact: async (artifact: string, value: unknown) =>
          void (await this.#upload(artifact, value)),
        assetPath: (asset: string) => this.#assetPath(asset, options),
      },
      new ProcessLiveTask({
        name,
        project,
        type: options.type,
        tags: options.tags,
        state: { cwd: options.cwd, root: started.root, home: started.home },
        edit: (edit) => this.#recorder.edit(edit),
        upload: (artifact, value) => this.#upload(artifact, value),
        uploaded: () => this.#uploaded,
        decode: (artifact) => this.#decode(artifact),
      }),
    );
  }

  async #upload(name: string, value: unknown): Promise<StoredArtifact> {
    this.#requireRunning('uploadArtifact');
    checkUpload(name, value, undefined);
    const turn = (this.#uploads += 1);
    this.#latest.set(name, turn);
    this.#packing += 1;
    let content: Content;
    try {
      const packing = this.#contentOf(name, pathAsFile(value));
      content = packing instanceof Promise ? await packing : packing;
    } finally {
      this.#packing -= 1;
    }
    const stored = await this.#recorder.upload(name, content);
    // The same name may have been uploaded again meanwhile: the later call counts.
    if (this.#latest.get(name) === turn) this.#uploaded.set(name, stored);
    return stored;
  }

  #contentOf(name: string, value: unknown): Content | Promise<Content> {
    const marker = fileMarker(value);
    if (marker !== undefined)
      return { kind: 'path', path: resolve(this.#cwd, marker.path), directory: marker.directory };
    const packed = packValue(value, { path: name, cwd: this.#cwd });
    if (packed instanceof Promise) return packed.then((done) => ({ kind: 'packed', packed: done }));
    return { kind: 'packed', packed };
  }

  /** Reports are not awaited: what is wrong with one is thrown at once. */
  #reportStored(name: string, content: ReportContent, make: (stored: StoredArtifact) => unknown): void {
    if (this.#ended) return;
    const value = content.kind === 'value' ? content.value : image(content.bytes, content);
    const marker = fileMarker(value);
    if (marker !== undefined && !existsSync(resolve(this.#cwd, marker.path))) {
      throw new RunPipelineError({
        kind: 'artifact',
        code: 'file-missing',
        message: `the file ${marker.path} that is to be reported does not exist`,
      });
    }
    // The thread puts the artifact into it.
    const { artifact: _, ...report } = make({ record: {} as never }) as ReportWithArtifact;
    const made = this.#contentOf(name, value);
    if (!(made instanceof Promise)) {
      this.#recorder.reportContent(report, name, made);
      return;
    }
    // Only a codec of the user's own takes its time.
    this.#packing += 1;
    made
      .then((done) => this.#recorder.reportContent(report, name, done))
      .catch((error: unknown) => this.#say(`a report was lost: ${String(error)}`))
      .finally(() => (this.#packing -= 1));
  }

  async #decode({ record, inline }: StoredArtifact): Promise<unknown> {
    const { home, blobsDirectory } = this.#recorder.started;
    if (inline === undefined) await this.#recorder.bring(record.hash);
    return decodeValue(
      {
        codec: record.type,
        codecVersion: record.codecVersion,
        hash: record.hash,
        ...(inline !== undefined && { inline }),
        ...(record.meta !== undefined && { meta: record.meta }),
      },
      { blobs: directoryBlobs(blobsDirectory), directory: join(home, 'tmp', `task-${process.pid}`) },
    );
  }

  #assetPath(asset: string, { assets, file }: ScriptTaskOptions): string {
    const path = file === undefined ? undefined : join(file, '..', asset);
    if (path !== undefined && existsSync(path)) return path;
    throw new RunPipelineError({
      kind: 'run',
      code: 'unknown-asset',
      message: `the script has no asset ${JSON.stringify(asset)}`,
      help:
        assets.length === 0 ? `declare it: Task.init({ …, assets: [${JSON.stringify(asset)}] })` : undefined,
    });
  }

  #requireRunning(call: string): void {
    if (!this.#ended) return;
    throw new RunPipelineError({
      kind: 'usage',
      code: 'task-ended',
      message: `${call}: the task ${this.current.project}/${this.current.name} has ended`,
    });
  }
}

/** Sees what it recorded itself. */
class ProcessLiveTask implements LiveTask {
  readonly place = 'process';
  readonly name: string;
  readonly project: string;
  readonly type: TaskType;
  readonly state: LiveTask['state'];
  readonly upload: LiveTask['upload'];
  readonly uploaded: LiveTask['uploaded'];
  readonly decode: LiveTask['decode'];
  readonly #send: (edit: TaskEdit) => void;
  readonly #tags: readonly string[];
  #edit: TaskEdit = {};

  constructor(
    options: Pick<
      LiveTask,
      'name' | 'project' | 'type' | 'tags' | 'state' | 'edit' | 'upload' | 'uploaded' | 'decode'
    >,
  ) {
    this.name = options.name;
    this.project = options.project;
    this.type = options.type;
    this.state = options.state;
    this.upload = options.upload;
    this.uploaded = options.uploaded;
    this.decode = options.decode;
    this.#send = options.edit;
    this.#tags = options.tags;
  }

  get tags(): readonly string[] {
    return [...new Set([...(this.#edit.tags ?? this.#tags), ...(this.#edit.addTags ?? [])])];
  }

  get parameters(): LiveTask['parameters'] {
    return mergeParameters({}, this.#edit.parameters);
  }

  get configurations(): LiveTask['configurations'] {
    return this.#edit.configurations ?? {};
  }

  edit(edit: TaskEdit): void {
    this.#edit = mergeEdits(this.#edit, edit);
    this.#send(edit);
  }

  /** A script has no fingerprint. */
  markUncacheable(): void {}
}

/** Names may hold what a terminal would obey (INVARIANTS 21), or what hides or turns around the text beside it. */
const harmless = (text: string): string => text.replace(/[^\P{C}\n]/gu, '');
