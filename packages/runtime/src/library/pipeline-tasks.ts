import { relative, sep } from 'node:path';
import { inspect } from 'node:util';
import {
  callSite,
  durationMs,
  type CreateDraftOptions,
  type Duration,
  type PipelineTask,
  type PipelineTasks,
} from '@run-pipeline/core/define';
import {
  didYouMean,
  OWN_TASK_STATUSES,
  RunPipelineError,
  type TaskId,
  type TaskStatus,
} from '@run-pipeline/core/model';
import { bundleFile, type ProgramPipeline } from '../discover/index.js';
import { createDraft } from '../engine/controller/create-draft.js';
import { graceMs, openProject } from '../engine/index.js';
import {
  cloneToDraft,
  enqueueDraft,
  findPipelineId,
  readPipeline,
  readPipelineStatus,
  setDraftParameter,
  unknownPipeline,
  type PipelineRecord,
} from '../engine/controller/pipeline-record.js';
import type { Project } from '../project/project.js';
import { asTyped } from '../project/as-typed.js';

/** Where a live pipeline's source is. */
type Describe = (options: {
  readonly subject: object;
  readonly source: CreateDraftOptions['source'];
}) => ProgramPipeline;

/** What `createDraft()`, `PipelineController.get()`, `clone()` and `enqueue()` do in a program. */
export function pipelineTasks(describe: Describe): PipelineTasks {
  return {
    async draft(subject, { parameters, queue, source }) {
      const { definition, file } = describe({ subject, source });
      return opened(async (project) => {
        const record = await createDraft({
          project,
          definition,
          loaded: {
            file,
            bundle: await bundleFile({ paths: project, file }),
            argv: process.argv.slice(2),
            candidates: [],
            starts: [],
          },
          source: `${relative(project.root, file).split(sep).join('/')}#${definition.name}`,
          exportName: undefined,
          parent: undefined,
          parameters: { values: parameters ?? {}, textual: [] },
          options: {
            concurrency: undefined,
            refresh: 'none',
            cache: true,
            from: undefined,
            to: undefined,
            only: undefined,
            queue,
            priority: 0,
            local: false,
            graceMs: graceMs(process.env),
          },
          onWarning: warn,
        });
        return taskOf(project, record.id);
      });
    },
    find: (query) =>
      opened(async (project) => {
        const id = 'id' in query ? (query.id as TaskId) : await findPipelineId(project.store, query);
        if (id !== undefined) return taskOf(project, id);
        const { name, project: of, version } = query as Exclude<typeof query, { readonly id: string }>;
        throw new RunPipelineError({
          kind: 'usage',
          code: 'unknown-pipeline',
          message: `there is no pipeline "${name}"${version === undefined ? '' : `, version ${version},`} in project "${of}"`,
          help: 'It is there once it was run, or drafted with createDraft().',
        });
      }),
    clone: (source, options) =>
      opened(async (project) => taskOf(project, await cloneToDraft(project, source as TaskId, options))),
    enqueue: (task, { queue }) =>
      opened(async (project) => {
        await enqueue(project, task as TaskId, queue);
        return taskOf(project, task as TaskId);
      }),
  };
}

async function opened<T>(use: (project: Project) => Promise<T>): Promise<T> {
  const project = await openProject({ cwd: process.cwd(), env: process.env });
  try {
    return await use(project);
  } finally {
    await project.close();
  }
}

const warn = (message: string): void => void process.stderr.write(`▲ ${asTyped(message)}\n`);

/** A draft that nobody would ever take is told of at once. */
async function enqueue(project: Project, task: TaskId, queue: string): Promise<void> {
  await enqueueDraft(project, task, queue);
  if ((await project.store.listAgents({ queue })).length > 0) return;
  warn(
    `no agent serves queue "${queue}": the pipeline waits there (start one: run-pipeline agent --queue ${queue})`,
  );
}

async function taskOf(project: Project, id: TaskId): Promise<PipelineTask> {
  return new PipelineHandle(await required(project, id));
}

async function required(project: Project, id: TaskId): Promise<PipelineRecord> {
  const record = await readPipeline(project, id);
  if (record === undefined) throw unknownPipeline(id);
  return record;
}

const ENDED: readonly TaskStatus[] = ['completed', 'failed', 'aborted'];

const wrong = (message: string, caller: (...args: never[]) => unknown): RunPipelineError =>
  new RunPipelineError({ kind: 'definition', code: 'option-type', message, at: callSite(caller) });

/** What a program holds of a pipeline's task: the state at the last look, and the way to look again. */
class PipelineHandle implements PipelineTask {
  #record: PipelineRecord;

  constructor(record: PipelineRecord) {
    this.#record = record;
  }

  get id(): TaskId {
    return this.#record.id;
  }
  get name(): string {
    return this.#record.name;
  }
  get project(): string {
    return this.#record.project;
  }
  get version(): string | undefined {
    return this.#record.version;
  }
  get status(): TaskStatus {
    return this.#record.status;
  }
  get parent(): TaskId | undefined {
    return this.#record.parent;
  }
  get parameters(): Readonly<Record<string, unknown>> {
    return this.#record.parameters;
  }

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Pipeline ${this.project}/${this.name} (${this.id}) ${this.status}`;
  }

  async setParameter(name: string, value: unknown): Promise<void> {
    await opened(async (project) => {
      await setDraftParameter(project, this.id, { name, value });
      this.#record = await required(project, this.id);
    });
  }

  clone(options: { readonly name?: string; readonly project?: string } = {}): Promise<PipelineTask> {
    return opened(async (project) => taskOf(project, await cloneToDraft(project, this.id, options)));
  }

  async enqueue(queue = 'services'): Promise<PipelineTask> {
    if (typeof queue !== 'string' || queue.trim() === '')
      throw wrong(`enqueue() takes the name of a queue, not ${inspect(queue)}`, this.enqueue);
    await opened(async (project) => {
      await enqueue(project, this.id, queue);
      this.#record = await required(project, this.id);
    });
    return this;
  }

  async reload(): Promise<PipelineTask> {
    this.#record = await opened((project) => required(project, this.id));
    return this;
  }

  async waitForStatus(
    status: TaskStatus | readonly TaskStatus[] = ENDED,
    options: { readonly timeout?: Duration } = {},
  ): Promise<TaskStatus | undefined> {
    const wanted = typeof status === 'string' ? [status] : status;
    const { timeout } = options;
    const limit = timeout === undefined ? undefined : durationMs(timeout);
    if (timeout !== undefined && limit === undefined)
      throw wrong(
        `waitForStatus() takes milliseconds, or a duration like '10m', as "timeout", not ${inspect(timeout)}`,
        this.waitForStatus,
      );
    const unknown = wanted.find((one) => !OWN_TASK_STATUSES.some((status) => status === one));
    if (unknown !== undefined)
      throw wrong(
        `waitForStatus() knows no status ${inspect(unknown)}${didYouMean(String(unknown), OWN_TASK_STATUSES)}`,
        this.waitForStatus,
      );
    const deadline = limit === undefined ? Infinity : performance.now() + limit;
    return opened(async (project) => {
      for (;;) {
        const woken = nextChange(project, deadline - performance.now());
        const now = await readPipelineStatus(project.store, this.id);
        const reached = now !== undefined && wanted.includes(now);
        if (reached || now === undefined || performance.now() >= deadline) {
          woken.cancel();
          this.#record = await required(project, this.id);
          return reached ? now : undefined;
        }
        await woken.promise;
      }
    });
  }
}

/** Settles with the next commit of anybody, or after so long. Listens from the call on: nothing is missed. */
function nextChange(
  { store }: Project,
  atMostMs: number,
): { readonly promise: Promise<void>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let settle: () => void = () => {};
  const promise = new Promise<void>((resolve) => (settle = resolve));
  const unwatch = store.watch(() => cancel());
  const cancel = (): void => {
    clearTimeout(timer);
    unwatch();
    settle();
  };
  if (Number.isFinite(atMostMs)) timer = setTimeout(cancel, Math.max(0, Math.min(atMostMs, 2 ** 31 - 1)));
  return { promise, cancel };
}
