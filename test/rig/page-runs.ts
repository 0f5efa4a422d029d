import { createHash } from 'node:crypto';
import {
  artifactUrl,
  digest,
  runId,
  stepName,
  type ArtifactRecord,
  type ErrorRecord,
  type NodeSummary,
  type Report,
  type RunEvent,
  type RunEventBody,
  type RunId,
  type RunOutcomeStatus,
  type StepEnd,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { ProcessIdentity, RunRow, Store } from '@run-pipeline/core/ports';

/** Runs written straight into a store: thousands of them, or huge ones, in the time that one real run takes. */
export interface WrittenRun {
  readonly id?: string;
  readonly pipeline?: string;
  readonly project?: string;
  readonly source?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly steps: readonly WrittenStep[];
  /** Undefined: it goes on, by `owner`. */
  readonly status?: RunOutcomeStatus;
  readonly owner?: ProcessIdentity;
}

export interface WrittenStep {
  readonly name: string;
  readonly parents?: readonly string[];
  readonly of?: string;
  /** Default `completed`; `undefined` leaves it as it is. */
  readonly status?: StepEnd['status'] | 'running' | 'created';
  /** Of a cached one: the run that executed it. */
  readonly cachedFrom?: RunId;
  readonly error?: ErrorRecord;
  /** Console, each as one event. */
  readonly logs?: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  readonly reports?: readonly Report[];
  readonly artifacts?: readonly StoredArtifact[];
}

/** Of a process that is certainly gone. */
export const GONE: ProcessIdentity = {
  host: 'elsewhere',
  bootId: 'elsewhere',
  pid: 1,
  startTime: '1',
};

const EVENTS_A_COMMIT = 2_000;

export class RunWriter {
  readonly #store: Store;
  readonly row: RunRow;
  #seq: number;
  #time = Date.parse('2026-01-02T03:04:05.000Z');

  private constructor(store: Store, row: RunRow) {
    this.#store = store;
    this.row = row;
    this.#seq = row.lastSeq + 1;
  }

  static async create(store: Store, run: WrittenRun): Promise<RunWriter> {
    const { pipeline = 'written', project = 'examples' } = run;
    const row = await store.createRun({
      id: runId(run.id ?? nextId()),
      pipeline,
      project,
      version: '1.0.0',
      owner: run.owner ?? GONE,
      leaseMs: 60_000,
      source: run.source ?? 'pipelines/written.ts#written',
    });
    const writer = new RunWriter(store, row);
    await writer.commit([
      {
        type: 'run.start',
        pipeline,
        project,
        version: '1.0.0',
        number: row.number,
        parameters: run.parameters ?? {},
        steps: run.steps.map(nodeOf),
        source: row.source,
      },
    ]);
    return writer;
  }

  async commit(
    bodies: readonly RunEventBody[],
    artifacts: readonly { readonly step: string; readonly artifact: StoredArtifact }[] = [],
  ): Promise<void> {
    for (let at = 0; at < bodies.length; at += EVENTS_A_COMMIT) {
      const events = bodies.slice(at, at + EVENTS_A_COMMIT).map((body): RunEvent => this.#event(body));
      const last = at + EVENTS_A_COMMIT >= bodies.length;
      const result = await this.#store.commit({
        run: this.row.id,
        epoch: this.row.epoch,
        events,
        ...(last
          ? { artifacts: artifacts.map(({ step, artifact }) => ({ step: stepName(step), artifact })) }
          : {}),
      });
      if (!result.ok) throw new Error(result.message);
    }
  }

  async step(step: WrittenStep): Promise<void> {
    await this.steps([step]);
  }

  /** Together, in a few commits: thousands of steps in the time of one. */
  async steps(steps: readonly WrittenStep[]): Promise<void> {
    await this.commit(
      steps.flatMap(bodiesOf),
      steps.flatMap(({ name, artifacts = [] }) => artifacts.map((artifact) => ({ step: name, artifact }))),
    );
  }

  async end(status: RunOutcomeStatus): Promise<void> {
    await this.commit([{ type: 'run.end', status, durationMs: 1234 }]);
  }

  #event(body: RunEventBody): RunEvent {
    this.#time += 5;
    return {
      v: 1,
      seq: this.#seq++,
      ts: new Date(this.#time).toISOString(),
      run: this.row.id,
      ...body,
    };
  }
}

export async function writeRun(store: Store, run: WrittenRun): Promise<RunId> {
  const writer = await RunWriter.create(store, run);
  await writer.steps(run.steps);
  if (run.status !== undefined) await writer.end(run.status);
  return writer.row.id;
}

/** What a step says from its start to its end. */
function bodiesOf(step: WrittenStep): readonly RunEventBody[] {
  const name = stepName(step.name);
  const { status = 'completed', artifacts = [] } = step;
  const bodies: RunEventBody[] = [];
  if (status === 'created') return [];
  if (status !== 'skipped' && status !== 'cached')
    bodies.push({ type: 'step.start', step: name, attempt: 1, host: 'here', pid: 4321 });
  for (const log of step.logs ?? []) bodies.push({ type: 'step.log', step: name, attempt: 1, ...log });
  for (const report of step.reports ?? [])
    bodies.push({ type: 'step.report', step: name, attempt: 1, report });
  if (status !== 'running') {
    bodies.push({
      type: 'step.end',
      step: name,
      status,
      attempt: status === 'skipped' || status === 'cached' ? 0 : 1,
      durationMs: 12,
      artifacts: artifacts.map(({ record }) => record),
      why: ['it has not run before'],
      ...(step.error === undefined ? {} : { error: step.error }),
      ...(step.cachedFrom === undefined ? {} : { cachedFrom: step.cachedFrom }),
    });
  }
  return bodies;
}

const nodeOf = ({ name, parents = [], of }: WrittenStep): NodeSummary => ({
  name: stepName(name),
  parents: parents.map(stepName),
  ...(of === undefined ? {} : { of: stepName(of) }),
});

let ids = 0;
/** As the real ones look, in order. */
const nextId = (): string => `01m8${String(ids++).padStart(22, '0')}`;

/** A small value, as superjson would keep it. */
export function storedValue(name: string, value: unknown): StoredArtifact {
  const inline = Buffer.from(JSON.stringify({ json: value }));
  return stored(name, 'superjson', inline);
}

export function stored(
  name: string,
  type: string,
  inline: Uint8Array,
  meta?: ArtifactRecord['meta'],
): StoredArtifact {
  const hash = digest(`sha256:${createHash('sha256').update(inline).digest('hex')}`);
  return {
    record: {
      name,
      type,
      hash,
      size: inline.byteLength,
      url: artifactUrl(hash),
      codecVersion: 1,
      createdAt: '2026-01-02T03:04:05.678Z',
      preview: Buffer.from(inline).toString('utf8').slice(0, 100),
      ...(meta === undefined ? {} : { meta }),
    },
    inline,
  };
}
