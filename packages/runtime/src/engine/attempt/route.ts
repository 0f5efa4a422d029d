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
 * A queue that no agent serves would be an eternal silence: the run says so at once. On one machine it then
 * executes the step itself; on a fleet the step waits, since agents are there for what this machine is not.
 */
export interface Router {
  /** The queue to hand it to; undefined: this process executes it. */
  readonly queueFor: (step: StepDefinition) => Promise<string | undefined>;
  /** Tells that nobody serves the queue: once, until somebody has served it in between. */
  readonly seen: (queue: string, options: { readonly served: boolean }) => Promise<void>;
}

export function createRouter(options: {
  readonly project: {
    readonly store: Pick<Store, 'listAgents' | 'listQueues'>;
    readonly fleet: boolean;
  };
  readonly definition: PipelineDefinition;
  readonly engine: Pick<EngineOptions, 'queue' | 'local'>;
  readonly onWarning: (message: string) => void;
}): Router {
  const { definition, engine } = options;
  const { store, fleet } = options.project;
  const unserved = new Set<string>();
  const queueOf = (step: StepDefinition): string | undefined =>
    engine.local || step.options.isolation === 'inline'
      ? undefined
      : (step.options.queue ?? engine.queue ?? definition.options.queue);

  const seen: Router['seen'] = async (queue, { served }) => {
    if (served) unserved.delete(queue);
    if (served || unserved.has(queue)) return;
    unserved.add(queue);
    const isKnown = (await store.listQueues()).some(({ name }) => name === queue);
    const word = /^[\w./:@=+-]+$/.test(queue) ? queue : `'${queue.replaceAll("'", `'\\''`)}'`;
    // An agent takes a queue that nobody has made for a slip of the pen.
    const start = `run-pipeline agent --queue ${word}${isKnown ? '' : ' --create-queue'}`;
    // Not "here": the run may be on an agent itself, and somebody else reads this.
    options.onWarning(
      `no agent serves queue "${queue}": ${fleet ? 'its steps wait for one' : 'the run executes its steps itself'} (start one: ${start})`,
    );
  };

  /** When the first step is about to execute: of all queues, since the others' turn may be hours away. */
  let told: Promise<void> | undefined;
  const tellAll = async (): Promise<void> => {
    const served = new Set((await store.listAgents()).flatMap(servedBy));
    for (const step of packageKeys(definition).keys()) {
      const queue = queueOf(step);
      if (queue !== undefined) await seen(queue, { served: served.has(queue) });
    }
  };

  return {
    seen,
    async queueFor(step) {
      await (told ??= tellAll());
      const queue = queueOf(step);
      if (queue === undefined) return undefined;
      const served = (await store.listAgents({ queue })).length > 0;
      await seen(queue, { served });
      return served || fleet ? queue : undefined;
    },
  };
}

/** The queues from which an agent still takes jobs. */
export const servedBy = (agent: Awaited<ReturnType<Store['listAgents']>>[number]): readonly string[] =>
  agent.draining ? [] : agent.queues;
