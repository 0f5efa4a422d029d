import { writeSync } from 'node:fs';
import { TaskHost } from './task-host.js';
import type { FromWorker, ToWorker } from './protocol.js';

/**
 * The entry of a worker process. It takes one request after the other from the controller, executes it and
 * answers. It lives as long as the channel to the controller does, and takes its process group with it.
 */
const channel = process.channel;
const sendMessage = process.send?.bind(process);
if (channel === undefined || channel === null || sendMessage === undefined) {
  writeSync(2, 'run-pipeline: this file is started by run-pipeline itself\n');
  process.exit(2);
}
// A library that finds `process.send` believes that its own parent listens.
process.send = undefined as never;
process.disconnect = undefined as never;

// With blocking pipes nothing that was printed is lost when the process ends, whichever way, and a flood
// of output waits for the reader instead of filling the memory.
for (const stream of [process.stdout, process.stderr]) {
  (stream as { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle?.setBlocking?.(true);
}

const host = new TaskHost({
  send: (message: FromWorker) => void sendMessage(message, undefined, undefined, () => undefined),
  // While a step runs only its own work may keep the process alive: then Node tells when there is none left.
  hold: () => channel.ref(),
  release: () => channel.unref(),
});

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'run':
      void host.run(message.request, message.mark);
      return;
    case 'abort':
      host.abort(message.task, message.reason);
      return;
    case 'answer':
      host.answer(message.id, message.answer);
      return;
    case 'changed':
      host.changed();
      return;
    case 'exit':
      process.exit(0);
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', () => {
  // The controller is gone: nothing of this task may be written any more (INVARIANTS 10).
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
});
host.ready();
