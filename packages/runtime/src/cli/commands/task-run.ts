import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import type { TaskPackage } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { executeRecord, type RecordEnding, type RecordStop } from '../../engine/index.js';
import { takeEnvironment } from '../../engine/environment.js';
import { graceMs, leaseMs } from '../../engine/settings.js';
import { workerProcesses } from '../../engine/run/worker-processes.js';
import { provideEnvironment } from '../../environments/index.js';
import { readLock } from '../../package/index.js';
import { processIdentity } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import { labelOf, readViewArtifacts, requireById, type TaskView } from '../../tasks/index.js';
import { failureLines } from '../../terminal/failure.js';
import { printable, printableWord } from '../../terminal/sanitise.js';
import { formatDuration } from '../../terminal/units.js';
import { human, printJson, printLines, type Context } from '../context.js';
import { argumentsOf, configurationsOf, noteUnknown } from '../task-arguments.js';
import { findTask, withProject } from '../task-access.js';
import { taskJson } from '../task-json.js';
import { createFromScript } from './task-create.js';
import { usageError } from '../usage-error.js';
import { asTyped } from '../../project/as-typed.js';

/**
 * `run-pipeline task run TASK|SCRIPT`: executes a draft, or a task that waits, in a worker of this process
 * and shows what it prints. What has run before is cloned first, by hand: its record stays what it was.
 */
export function taskRunCommand(context: Context): Promise<number> {
  return withProject(context, async (project) => {
    const task = await taskToRun(context, project);
    const claimed = await claim(context, project.store, task);
    const { style } = context;
    printLines(context.err, [
      `${style.info('▶')} ${style.bold(printableWord(`${task.project}/${task.name}`))} ${style.dim(task.id)}`,
    ]);
    const started = performance.now();
    const { ending, exitCode } = await execute(context, project, claimed);
    const after = await requireById(project.store, task.id);
    if (context.json) printJson(context, taskJson(after, await readViewArtifacts(project.store, after)));
    printLines(context.err, endLines(context, after, { ending, durationMs: performance.now() - started }));
    return ending.status === 'completed' ? 0 : (exitCode ?? 1);
  });
}

async function taskToRun(context: Context, project: Project): Promise<TaskView> {
  const text = context.arguments[0]!;
  const isScript = /\.[cm]?[jt]sx?$/.test(text) && existsSync(resolve(context.cwd, text));
  if (isScript) return createFromScript(context, project, text);
  const task = await findTask(project, text);
  const [parameters, configurations] = [argumentsOf(context), configurationsOf(context)];
  if (Object.keys(parameters).length + Object.keys(configurations).length === 0) return task;
  noteUnknown(context, task, parameters);
  const edited = await project.store.editTask(
    task.id,
    { parameters, configurations },
    { status: ['created', 'queued'] },
  );
  if (!edited.ok) throw hasRun(task);
  return requireById(project.store, task.id);
}

const hasRun = (task: TaskView): Error =>
  usageError(
    task.status === 'running'
      ? `the task ${labelOf(task)} is being executed already`
      : `the task ${labelOf(task)} has run: it is ${task.status}`,
    `clone it, and run the clone: run-pipeline task run "$(run-pipeline task clone ${task.id})"`,
  );

interface Claimed {
  readonly task: TaskView;
  readonly attempt: number;
  readonly fence: number;
}

async function claim(context: Context, store: Store, task: TaskView): Promise<Claimed> {
  if (!task.isRecord && task.step === undefined)
    throw usageError(`${task.id} is a run`, `run-pipeline resume ${task.id}, or rerun, executes it again`);
  if (!task.isRecord || task.step !== undefined)
    throw usageError(`${task.id} is a step of a run, which alone executes it`, 'clone it, and run the clone');
  if (task.script?.package === undefined) {
    throw usageError(
      `the task ${labelOf(task)} has no script that could be executed`,
      task.script?.launch === undefined
        ? 'make one of its script: run-pipeline task create SCRIPT --project … --name …'
        : 'it is the controller of a pipeline: run-pipeline task enqueue TASK --queue services',
    );
  }
  const executor = processIdentity();
  const lease = leaseMs(context.env);
  if (task.status === 'queued') {
    const attempt = (await store.readAttempts([task.id])).get(task.id)?.attempt ?? task.attempt + 1;
    const taken = await store.claimQueued({
      task: task.id,
      attempt,
      executor,
      agent: undefined,
      leaseMs: lease,
    });
    if (taken.ok) return { task, attempt, fence: taken.fence };
    if (taken.reason === 'limit') {
      throw usageError(
        `the task ${labelOf(task)} waits in queue "${task.queue}", which is at its limit`,
        'wait until a place in it is free (run-pipeline queue ls), or run a clone of it, which is in no queue',
      );
    }
  } else if (task.status === 'created') {
    const begun = await store.startTask({ task: task.id, executor, leaseMs: lease });
    if (begun.ok) return { task, attempt: task.attempt + 1, fence: begun.fence };
  }
  throw hasRun(await requireById(store, task.id));
}

async function execute(
  context: Context,
  project: Project,
  { task, attempt, fence }: Claimed,
): Promise<{ readonly ending: RecordEnding; readonly exitCode: number | undefined }> {
  const { store } = project;
  const stop = new AbortController();
  const stopWith = (reason: RecordStop): void => stop.abort(reason);
  const watched = watchAttempt(store, { task, fence, leaseMs: leaseMs(context.env), stopWith });
  const interrupts = listenForSignals(stopWith, () =>
    printLines(context.err, [
      `${context.style.warn('■')} stopping: the task is told (Ctrl-C again: at once)`,
    ]),
  );
  const workers = workerProcesses({ size: 1, graceMs: graceMs(context.env), withheld: project.withheld });
  const env = takeEnvironment(context.env);
  try {
    const ending = await executeRecord({
      project,
      pool: await workers.get(),
      task,
      attempt,
      fence,
      env,
      cwd: context.cwd,
      modules: (taskPackage) => modulesOf(context, project, { taskPackage, env, signal: stop.signal }),
      signal: stop.signal,
      onLog: ({ stream, text }) => {
        const output = stream === 'stderr' ? context.err : human(context);
        output.write(output.stream.isTTY ? printable(text) : text);
      },
    });
    return { ending, exitCode: interrupts.exitCode() };
  } finally {
    interrupts.dispose();
    watched.end();
    await workers.close();
  }
}

/** The npm packages of its lockfile: of this project where it has them, else of the cache of environments. */
async function modulesOf(
  context: Context,
  project: Project,
  options: {
    readonly taskPackage: TaskPackage;
    readonly env: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { manifest, hash } = options.taskPackage;
  if (!manifest.externals.some(({ kind }) => kind === 'npm')) return undefined;
  const { root, origin } = await provideEnvironment({
    cache: join(project.home, 'cache', 'environments'),
    lock: readLock(project, hash),
    manifest,
    project: project.root,
    env: options.env,
    signal: options.signal,
    onProgress: (line) => printLines(context.err, [context.style.dim(line)]),
  });
  return origin === 'cache' ? root : undefined;
}

/** Renews the lease, and hears of a stop that somebody asked for. */
function watchAttempt(
  store: Store,
  options: {
    readonly task: TaskView;
    readonly fence: number;
    readonly leaseMs: number;
    readonly stopWith: (stop: RecordStop) => void;
  },
): { readonly end: () => void } {
  const { task, fence, stopWith } = options;
  let looking = false;
  const beat = async (): Promise<void> => {
    const held = await store.heartbeatTask(task.id, fence, options.leaseMs);
    if (!held) stopWith({ reason: 'stopped', message: 'another process has the task' });
  };
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const stop = (await store.readTaskStops([task.id])).get(task.id);
      if (stop !== undefined) stopWith({ reason: 'stopped', message: stop.message });
    } finally {
      looking = false;
    }
  };
  // What is wrong with the store is told by the next thing that is written.
  const timer = setInterval(() => void beat().catch(() => undefined), options.leaseMs / 3);
  const unwatch = store.watch(() => void look().catch(() => undefined));
  return {
    end() {
      clearInterval(timer);
      unwatch();
    },
  };
}

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The first one tells the task; a second one ends this process as it is. */
function listenForSignals(
  stopWith: (stop: RecordStop) => void,
  onFirst: () => void,
): {
  readonly exitCode: () => number | undefined;
  readonly dispose: () => void;
} {
  let exitCode: number | undefined;
  const onSignal = (signal: Signal): void => {
    const code = 128 + constants.signals[signal];
    if (exitCode !== undefined) process.exit(code);
    exitCode = code;
    onFirst();
    stopWith({ reason: 'stopped', message: `interrupted by ${signal}` });
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    exitCode: () => exitCode,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

function endLines(
  context: Context,
  task: TaskView,
  { ending, durationMs }: { readonly ending: RecordEnding; readonly durationMs: number },
): readonly string[] {
  const { style } = context;
  const title = printableWord(`${task.project}/${task.name}`);
  switch (ending.status) {
    case 'completed':
      return [`${style.good('✔')} ${title} ${style.dim(`${formatDuration(durationMs)}  ${task.id}`)}`];
    case 'failed':
      return failureLines(
        style,
        { step: title, status: 'failed', error: ending.error, attempt: task.attempt },
        context,
      );
    case 'aborted':
      return [
        `${style.warn('■')} ${title} aborted: ${printableWord(ending.error.message)} ${style.dim(task.id)}`,
        style.dim(
          asTyped(
            `next: run-pipeline task run "$(run-pipeline task clone ${task.id})"   a clone, from its start`,
          ),
        ),
      ];
    case 'handed-back':
      return [`${style.dim('·')} ${title} waits in its queue again`];
    case 'lost':
      return [
        `${style.warn('■')} ${title} was taken by another process; nothing more of it is recorded here`,
      ];
    default:
      return ending satisfies never;
  }
}
