import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setRunHost } from '@run-pipeline/core/define';
import { isRunPipelineError, type ErrorRecord } from '@run-pipeline/core/model';
import type { FromController, ToController } from '../engine/controller/controller-protocol.js';
import { errorRecord } from '../engine/error-record.js';
import { executeController, openProject } from '../engine/index.js';
import { RunLost } from '../engine/run/run-log.js';
import { processIdentity } from '../project/process-identity.js';
import { programHost } from './host.js';

/**
 * The entry of the process in which an agent lets the controller of a run execute: the user's file, its
 * callbacks and bodies run here, never in the agent. It lives as long as its agent: without the channel it
 * ends at once, with its group, and the run is left to the next agent.
 *
 * Events of the run go to the store alone. What user code prints, and warnings, go to this process's own
 * stdout and stderr, which the agent keeps as the output of the controller's task.
 */
const channel = process.channel;
const sendMessage = process.send?.bind(process);
if (channel === undefined || channel === null || sendMessage === undefined) {
  writeSync(2, 'run-pipeline: this file is started by run-pipeline itself\n');
  process.exit(2);
}
// A library that finds `process.send` believes that its own parent listens.
// `process.disconnect` stays: Node itself calls it when the channel ends.
process.send = undefined as never;

// With blocking pipes nothing that was printed is lost when the process ends, whichever way.
for (const stream of [process.stdout, process.stderr]) {
  (stream as { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle?.setBlocking?.(true);
}

/** Nothing of this run may be written any more (INVARIANTS 10): the next agent goes on with it. */
function endWithAgent(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}
process.on('disconnect', endWithAgent);
// A dead agent's pipes may break before its channel does: that is no error of the user's, and no end of the run.
const agent = process.ppid;
const isAgentGone = (error: unknown): boolean =>
  process.ppid !== agent || ['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '');
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (isAgentGone(error)) endWithAgent();
  });

const stop = new AbortController();
let graceMs = 0;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort(new Error(`interrupted by ${signal}`));
  });
}
process.on('uncaughtException', (error) => {
  if (process.ppid !== agent) endWithAgent();
  process.stderr.write(`${textOf(error)}\nnobody awaited it: the run is stopped\n`);
  if (stop.signal.aborted) return;
  // Nothing can be trusted after it: the process ends in any case.
  setTimeout(() => process.exit(1), 3 * graceMs + 1000).unref();
  stop.abort(new Error('an error in the file of the pipeline that nobody awaited', { cause: error }));
});
process.on('message', (message: ToController) => {
  switch (message.type) {
    case 'start':
      graceMs = message.graceMs;
      void execute(message).then(tell);
      return;
    case 'stop':
      stop.abort(new Error(message.reason));
      return;
    default:
      message satisfies never;
  }
});

async function execute(start: ToController & { readonly type: 'start' }): Promise<FromController> {
  // Pipelines that bodies and callbacks run are runs of this process, as in any program.
  setRunHost(programHost({ loaded: true }));
  const cwd = process.cwd();
  try {
    const project = await openProject({ cwd, env: process.env });
    try {
      const { status, error } = await executeController({
        project,
        task: start.task,
        spec: start.spec,
        owner: { ...processIdentity(), processGroup: process.pid },
        stillHeld: () => project.store.heartbeatTask(start.task, start.fence, start.leaseMs),
        options: { concurrency: start.concurrency, graceMs: start.graceMs },
        onEvent: () => {},
        onWarning: (message) => process.stderr.write(`▲ ${message}\n`),
        signal: stop.signal,
      });
      return { type: 'ended', status, ...(error === undefined ? {} : { error }) };
    } finally {
      await project.close();
    }
  } catch (error) {
    if (error instanceof RunLost) return { type: 'lost', message: error.message };
    return { type: 'ended', status: 'failed', error: told(error, cwd) };
  }
}

function told(error: unknown, cwd: string): ErrorRecord {
  const record = errorRecord(error, cwd);
  const help = isRunPipelineError(error) ? error.help : undefined;
  return help === undefined ? record : { ...record, message: `${record.message} (${help})` };
}

function tell(message: FromController): void {
  sendMessage!(message, undefined, undefined, () => process.exit(0));
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return 'something that cannot be shown was thrown';
  }
}
