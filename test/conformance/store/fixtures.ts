import {
  artifactUrl,
  digest,
  fingerprint,
  runId,
  stepName,
  taskId,
  type ArtifactRecord,
  type Digest,
  type Fingerprint,
  type RunEvent,
  type RunEventBody,
  type RunId,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { Commit, NewRun, NewTask, ProcessIdentity, RunRow, Store } from '@run-pipeline/core/ports';
import { createHash } from 'node:crypto';

export const OWNER: ProcessIdentity = { host: 'here', bootId: 'boot-1', pid: 100, startTime: '1000' };
export const OTHER: ProcessIdentity = { host: 'here', bootId: 'boot-1', pid: 200, startTime: '2000' };
export const WORKER: ProcessIdentity = { ...OWNER, pid: 101, startTime: '1001', processGroup: 101 };
export const LEASE_MS = 30_000;
/** A server's clock goes on while a test looks at it: leases are left so much. */
export const SPARE_MS = 10_000;

export const newRun = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  id: runId(id),
  pipeline: 'iris',
  project: 'examples',
  version: '1.0.0',
  owner: OWNER,
  leaseMs: LEASE_MS,
  source: 'iris.ts#Iris',
  ...more,
});

export const newTask = (id: string, more: Partial<NewTask> = {}): NewTask => ({
  id: taskId(id),
  project: 'examples',
  name: 'stage data',
  type: 'data_processing',
  edit: {},
  ...more,
});

/** Any stable fingerprint or hash for a name. */
export const hashOf = (content: string | Uint8Array): Digest =>
  digest(`sha256:${createHash('sha256').update(content).digest('hex')}`);
export const printOf = (name: string): Fingerprint => fingerprint(hashOf(`fingerprint of ${name}`));

export function recordOf(
  name: string,
  content: string | Uint8Array,
  size = Buffer.byteLength(content),
): ArtifactRecord {
  const hash = hashOf(content);
  const createdAt = '2026-01-02T03:04:05.678Z';
  return {
    name,
    type: 'text',
    hash,
    size,
    url: artifactUrl(hash),
    codecVersion: 1,
    preview: `preview of ${name}`,
    createdAt,
  };
}
export const small = (name: string, content: string): StoredArtifact => ({
  record: recordOf(name, content),
  inline: new TextEncoder().encode(content),
});
/** Lies in the blob store; this store only has its row. */
export const large = (name: string, content: string): StoredArtifact => ({
  record: recordOf(name, content, 1_000_000),
});

/** Commits to one run with the right sequence numbers. */
export class Recorder {
  readonly #store: Store;
  readonly id: RunId;
  epoch: number;
  seq: number;

  constructor(store: Store, run: Pick<RunRow, 'id' | 'epoch' | 'lastSeq'>) {
    this.#store = store;
    this.id = run.id;
    this.epoch = run.epoch;
    this.seq = run.lastSeq + 1;
  }

  static async start(store: Store, run: NewRun): Promise<Recorder> {
    const row = await store.createRun(run);
    const recorder = new Recorder(store, row);
    const { pipeline, project, version, number } = row;
    await recorder.commit([
      { type: 'run.start', pipeline, project, version, number, parameters: {}, steps: [] },
    ]);
    return recorder;
  }

  event(body: RunEventBody): RunEvent {
    return { v: 1, seq: this.seq++, ts: '2026-01-02T03:04:05.678Z', run: this.id, ...body };
  }

  commit(bodies: readonly RunEventBody[], more: Partial<Commit> = {}) {
    const events = bodies.map((body) => this.event(body));
    return this.#store.commit({ run: this.id, epoch: this.epoch, events, ...more });
  }

  end(status: 'completed' | 'failed' = 'completed') {
    return this.commit([{ type: 'run.end', status, durationMs: 1 }]);
  }

  /** A step that ran and put its result into the cache. */
  async complete(step: string, artifacts: readonly StoredArtifact[], more: Partial<Commit> = {}) {
    const records = artifacts.map(({ record }) => record);
    return this.commit([stepEnd(step, records)], {
      artifacts: artifacts.map((artifact) => ({ step: stepName(step), artifact })),
      cacheEntry: {
        fingerprint: printOf(step),
        project: 'examples',
        pipeline: 'iris',
        step: stepName(step),
        task: taskId(`${this.id}.${step}`),
        artifacts,
        reports: [],
        durationMs: 12.5,
      },
      ...more,
    });
  }

  /** A step whose result came from the cache. */
  async hit(step: string, artifacts: readonly StoredArtifact[], more: Partial<Commit> = {}) {
    const records = artifacts.map(({ record }) => record);
    return this.commit([stepEnd(step, records, 'cached')], {
      artifacts: artifacts.map((artifact) => ({ step: stepName(step), artifact })),
      hits: [{ step: stepName(step), fingerprint: printOf(step) }],
      ...more,
    });
  }

  claim(step: string, attempt = 1, executor = WORKER, more: { readonly again?: true } = {}) {
    return this.#store.claimTask({
      task: taskId(`${this.id}.${step}`),
      run: this.id,
      epoch: this.epoch,
      step: stepName(step),
      attempt,
      executor,
      leaseMs: LEASE_MS,
      ...more,
    });
  }
}

export const stepStart = (step: string, attempt = 1): RunEventBody => ({
  type: 'step.start',
  step: stepName(step),
  attempt,
});
export const stepLog = (step: string, text: string): RunEventBody => ({
  type: 'step.log',
  step: stepName(step),
  attempt: 1,
  stream: 'stdout',
  text,
});
export const stepEnd = (
  step: string,
  artifacts: readonly ArtifactRecord[] = [],
  status: 'completed' | 'cached' | 'failed' = 'completed',
): RunEventBody => ({
  type: 'step.end',
  step: stepName(step),
  status,
  attempt: 1,
  durationMs: 1,
  artifacts,
  why: [],
});

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Stores may give Buffers: compare contents. */
export const text = (value: Uint8Array | undefined): string | undefined =>
  value && new TextDecoder().decode(value);
