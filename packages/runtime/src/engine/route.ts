import type { PipelineDefinition, StepDefinition } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import type { EngineOptions } from './api.js';
import { packageKeys } from './launch.js';

/** Where the next attempt of a step is executed. */
export type Route = { readonly kind: 'here' } | { readonly kind: 'queue'; readonly queue: string };

/**
 * A step goes to its own queue, else to the one of the run (`--queue`), else to the pipeline's; with
 * none of them, and with `--local`, it stays here. So does an `inline` one: it is for breakpoints in
 * this very process.
 *
 * A queue that no agent serves would be an eternal silence: the run says so at once and executes the
 * step itself.
 */
export interface Router {
  readonly route: (step: StepDefinition) => Promise<Route>;
  /** Tells that nobody serves the queue: once, until somebody has served it in between. */
  readonly tellUnserved: (queue: string) => void;
}

const HERE: Route = { kind: 'here' };

export function createRouter(options: {
  readonly store: Pick<Store, 'listAgents'>;
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

  const tellUnserved = (queue: string): void => {
    if (unserved.has(queue)) return;
    unserved.add(queue);
    options.onWarning(
      `no agent serves queue "${queue}": its steps run here (start one: run-pipeline agent --queue ${queue})`,
    );
  };

  /** When the first step is about to execute: of all queues, since the others' turn may be hours away. */
  let told: Promise<void> | undefined;
  const tellAll = async (): Promise<void> => {
    const served = new Set((await store.listAgents()).flatMap(servedBy));
    for (const step of packageKeys(definition).keys()) {
      const queue = queueOf(step);
      if (queue !== undefined && !served.has(queue)) tellUnserved(queue);
    }
  };

  return {
    tellUnserved,
    async route(step) {
      await (told ??= tellAll());
      const queue = queueOf(step);
      if (queue === undefined) return HERE;
      if ((await store.listAgents({ queue })).length === 0) {
        tellUnserved(queue);
        return HERE;
      }
      unserved.delete(queue);
      return { kind: 'queue', queue };
    },
  };
}

/** The queues from which an agent still takes jobs. */
export const servedBy = (agent: Awaited<ReturnType<Store['listAgents']>>[number]): readonly string[] =>
  agent.draining ? [] : agent.queues;
