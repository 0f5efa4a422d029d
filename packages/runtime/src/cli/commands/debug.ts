import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EXIT } from '@run-pipeline/core/model';
import { inputBlobs } from '../../engine/attempt/attempt-blobs.js';
import { projectService } from '../../engine/attempt/project-service.js';
import { captureTask } from '../../engine/index.js';
import { failureLines } from '../../terminal/failure.js';
import { printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { formatBytes } from '../../terminal/units.js';
import { cut } from '../../terminal/width.js';
import type { ProjectRelay } from '../../project/relay.js';
import { answerCall } from '../../workers/answer-call.js';
import type { DebugAnswer } from '../../workers/debug.js';
import type { FromWorker, TaskOutcome, TaskRequest, ToWorker } from '../../workers/protocol.js';
import { human, printJson, printLines, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { requireStep, viewRun } from '../run-events.js';
import { runName } from '../select-run.js';
import { usageError } from '../usage-error.js';

const DEFAULT_INSPECT = '127.0.0.1:9229';

/**
 * `run-pipeline debug RUN STEP`: executes one step again, from the run's own package and inputs, in one process that
 * waits for a debugger. Nothing is stored: the run stays what it was.
 */
export function debugCommand(context: Context): Promise<number> {
  const inspect = context.options.text('inspect') ?? DEFAULT_INSPECT;
  if (!/^(?:[\w.:[\]-]+:)?\d{1,5}$/.test(inspect))
    throw usageError(`--inspect takes [HOST:]PORT, but got ${JSON.stringify(inspect)}`);
  const wait = !context.options.has('no-wait');
  return withRun(context, async (project, row) => {
    const step = requireStep(await viewRun(project.store, row), row, context.arguments[1]!);
    const request = await captureTask(project, row.id, step.name);
    printLines(context.err, introduction(context, { run: runName(row), step: step.name, inspect, wait }));
    const held = await project.blobs.hold(inputBlobs(request));
    const outcome = await executeHere(context, {
      request: { ...request, timeout: undefined },
      inspect: wait ? `--inspect-brk=${inspect}` : `--inspect=${inspect}`,
      service: projectService(project),
    }).finally(() => held.release());
    if (context.json) printJson(context, { run: row.id, step: step.name, ...document(outcome) });
    else printLines(human(context), outcomeLines(context, step.name, outcome));
    return outcome.status === 'completed' ? EXIT.ok : EXIT.failed;
  });
}

function introduction(
  context: Context,
  facts: { readonly run: string; readonly step: string; readonly inspect: string; readonly wait: boolean },
): readonly string[] {
  const { style } = context;
  const what = `${style.info('▶')} ${style.bold(printableWord(facts.step))} of ${printableWord(facts.run)}, same package, same inputs; nothing is stored`;
  if (!facts.wait) return [what];
  return [
    what,
    `  attach a debugger to ${facts.inspect} (your editor, or chrome://inspect), set breakpoints in your file, then continue:`,
    '  the process waits at its own first line',
  ];
}

/** In a process of its own, whose console is this terminal. */
function executeHere(
  context: Context,
  {
    request,
    inspect,
    service,
  }: {
    readonly request: TaskRequest;
    readonly inspect: string;
    readonly service: ProjectRelay | undefined;
  },
): Promise<TaskOutcome> {
  const child = fork(fileURLToPath(new URL('./debug.js', import.meta.url)), {
    cwd: request.cwd,
    env: request.env,
    execArgv: [inspect, '--enable-source-maps'],
    serialization: 'advanced',
    // With --json stdout is the document's alone.
    stdio: ['inherit', context.json ? context.err.stream : 'inherit', 'inherit', 'ipc'],
  });
  // The terminal sends Ctrl-C to both; the step hears of it, and this process waits for its answer.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  const passOn = (): void => void child.kill('SIGTERM');
  process.once('SIGTERM', passOn);
  return new Promise((done, fail) => {
    let outcome: TaskOutcome | undefined;
    let unwatch: (() => void) | undefined;
    const send = (message: ToWorker): void => void (child.connected && child.send(message, () => {}));
    child.on('message', (message: DebugAnswer | FromWorker) => {
      if ('outcome' in message && !('type' in message)) outcome = message.outcome;
      else if ('type' in message && message.type === 'ask') {
        const { id } = message;
        void answerCall(service, message.call).then((answer) => send({ type: 'answer', id, answer }));
      } else if ('type' in message && message.type === 'watch')
        unwatch ??= service?.watch(() => send({ type: 'changed' }));
    });
    child.once('error', fail);
    // `exit` may come before its last message was read; `close` comes after.
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', passOn);
      unwatch?.();
      done(outcome ?? endedBefore(signal ?? `exit code ${code}`));
    });
    child.send({ request });
  });
}

function endedBefore(how: string): TaskOutcome {
  return {
    status: 'failed',
    error: { name: 'Error', message: `the process ended before the step did (${how})` },
  };
}

function document(outcome: TaskOutcome): { readonly [key: string]: unknown } {
  if (outcome.status === 'completed')
    return { status: outcome.status, artifacts: outcome.artifacts.map(({ record }) => record) };
  return { status: outcome.status, ...(outcome.error === undefined ? {} : { error: outcome.error }) };
}

function outcomeLines(context: Context, step: string, outcome: TaskOutcome): readonly string[] {
  const { style } = context;
  if (outcome.status !== 'completed') {
    const error = outcome.error ?? { name: 'Error', message: outcome.status };
    return failureLines(style, { step, status: outcome.status, error, attempt: 1 }, context);
  }
  const rows = outcome.artifacts.map(({ record }) => [
    printableWord(record.name),
    style.dim(printableWord(record.type)),
    formatBytes(record.size),
    style.dim(cut(printableWord(record.preview ?? ''), 60)),
  ]);
  return [
    `${style.good('✔')} ${style.bold(printableWord(step))} completed`,
    ...tableLines(rows, { indent: '  ' }),
  ];
}
