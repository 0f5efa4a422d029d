import { setProjectRelay } from '../project/relay.js';
import { stepAbortReason } from './abort-cause.js';
import type { TaskOutcome, TaskRequest, ToWorker } from './protocol.js';
import { Uncaught } from './uncaught.js';
import { WorkerRelay } from './worker-relay.js';

/**
 * The entry of a process that executes one task for a person: started by `run-pipeline debug` under the inspector,
 * with the terminal as its console. The task itself runs as in a worker; what it makes is told to the parent and
 * not stored.
 */
export interface DebugRequest {
  readonly request: TaskRequest;
}
export interface DebugAnswer {
  readonly outcome: TaskOutcome;
}

process.once('message', (message: DebugRequest) => {
  const relay = new WorkerRelay({
    send: (question) => void process.send!(question),
    task: () => message.request.task,
    hold: () => process.channel?.ref(),
    release: () => process.channel?.unref(),
  });
  setProjectRelay(relay);
  process.on('message', (answer: ToWorker) => {
    if (answer.type === 'answer') relay.answer(answer.id, answer.answer);
    if (answer.type === 'changed') relay.changed();
  });
  // Nothing but an open question keeps the process alive.
  process.channel?.unref();
  void debug(message.request);
});

async function debug(request: TaskRequest): Promise<void> {
  const { executeTask } = await import('./execute-task.js');
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(stepAbortReason('stopped', undefined)));
  let interrupt!: (reason: unknown) => void;
  const interrupted = new Promise<never>((_, reject) => (interrupt = reject));
  interrupted.catch(() => undefined);
  process.on('uncaughtException', (error, origin) => interrupt(new Uncaught(origin, error)));
  const send = process.send!.bind(process);
  // Breakpoints that are set in the user's file while this process waits at its first line hold from here on.
  const outcome = await executeTask({
    request,
    signal: abort.signal,
    evaluation: 1,
    messages: { send: () => undefined, edit: () => undefined, artifact: () => undefined },
    untilIdle: () => new Promise((resolve) => process.once('beforeExit', () => resolve())),
    interrupted,
    restoreEnv: false,
  });
  send({ outcome } satisfies DebugAnswer, undefined, undefined, () => process.disconnect());
}
