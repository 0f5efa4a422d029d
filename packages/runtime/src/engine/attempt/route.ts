import type { PipelineDefinition, StepDefinition } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import type { EngineOptions } from '../api.js';
import { packageKeys } from '../launch/launch.js';

/**
 * Where the next attempt of a step is executed.
 *
 * A step goes to its own queue, else to the one of the run (`--queue`), else to the pipeline's; with
 * none of them, and with `--local`, it stays here. So does an `inline` one: it is for breakpoints in
 * this very process.
 *
 * A queue that no agent serves would be an eternal silence: the run says so at once and executes the
 * step itself.
 */
export interface Router {
  /** The queue to hand it to; undefined: this process executes it. */
  readonly queueFor: (step: StepDefinition) => Promise<string | undefined>;
  /** Tells that nobody serves the queue: once, until somebody has served it in between. */
  readonly tellUnserved: (queue: string) => Promise<void>;
}

export function createRouter(options: {
  readonly store: Pick<Store, 'listAgents' | 'listQueues'>;
  readonly definition: PipelineDefinition;
  readonly engine: Pick<EngineOptions, 'queue' | 'local'>;
  readonly onWarning: (message: string) => void;
}): Router {
  const { store, definition, engine } = options;
  const unserved = new Set<string>();
  const queueOf = (step: StepDefinition): string | undefined =>
    engine.local || step.options.isolation === 'inline'
      ? undefined
      : (step.options.queue ?? engine.queue ?? definition.options.queue);

  const tellUnserved = async (queue: string): Promise<void> => {
    if (unserved.has(queue)) return;
    unserved.add(queue);
    const isKnown = (await store.listQueues()).some(({ name }) => name === queue);
    const word = /^[\w./:@=+-]+$/.test(queue) ? queue : `'${queue.replaceAll("'", `'\\''`)}'`;
    // An agent takes a queue that nobody has made for a slip of the pen.
    const start = `run-pipeline agent --queue ${word}${isKnown ? '' : ' --create-queue'}`;
    // Not "here": the run may be on an agent itself, and somebody else reads this.
    options.onWarning(
      `no agent serves queue "${queue}": the run executes its steps itself (start one: ${start})`,
    );
  };

  /** When the first step is about to execute: of all queues, since the others' turn may be hours away. */
  let told: Promise<void> | undefined;
  const tellAll = async (): Promise<void> => {
    const served = new Set((await store.listAgents()).flatMap(servedBy));
    for (const step of packageKeys(definition).keys()) {
      const queue = queueOf(step);
      if (queue !== undefined && !served.has(queue)) await tellUnserved(queue);
    }
  };

  return {
    tellUnserved,
    async queueFor(step) {
      await (told ??= tellAll());
      const queue = queueOf(step);
      if (queue === undefined) return undefined;
      if ((await store.listAgents({ queue })).length === 0) {
        await tellUnserved(queue);
        return undefined;
      }
      unserved.delete(queue);
      return queue;
    },
  };
}

/** The queues from which an agent still takes jobs. */
export const servedBy = (agent: Awaited<ReturnType<Store['listAgents']>>[number]): readonly string[] =>
  agent.draining ? [] : agent.queues;
