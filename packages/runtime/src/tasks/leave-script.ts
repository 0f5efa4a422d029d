import { RunPipelineError, type SourceLocation } from '@run-pipeline/core/model';
import type { QueuePlace } from '@run-pipeline/core/ports';
import { checkQueueName } from '../queue/queue-name.js';
import { scriptHere } from './script-here.js';
import { programName } from '../project/as-typed.js';

/** Ends this process, and leaves its task to an agent: as a draft, or in a queue. */
export function leaveScript(job: QueuePlace | undefined, at: SourceLocation | undefined): void {
  const script = scriptHere();
  if (script === undefined) return;
  if (job !== undefined) checkQueueName(job.queue);
  const { id, name, project } = script.current;
  if (!script.hasPackage) {
    throw new RunPipelineError({
      kind: 'load',
      code: 'no-package',
      message: `executeRemotely: the script of ${project}/${name} could not be packaged, so no agent could execute it`,
      at,
      help: 'the reason was printed when Task.init was called',
    });
  }
  if (!script.leave(job)) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'not-left',
      message: `executeRemotely: the task ${id} could not be left to an agent`,
      at,
    });
  }
  script.say(
    job === undefined
      ? `Task ${name}: left as a draft\n  ${programName()} task enqueue ${id}   has an agent execute it\n`
      : `Task ${name}: waits in the queue ${job.queue}\n  ${programName()} task show ${id}   tells how far it is\n`,
  );
  process.exit(0);
}
