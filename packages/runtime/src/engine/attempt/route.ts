import {
  amountsOf,
  type PipelineDefinition,
  type Resources,
  type StepDefinition,
} from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import {
  agentCommand,
  formatResources,
  goOnCommand,
  offers,
  QueueStates,
  type QueueState,
} from '../../queue/index.js';
import type { EngineOptions } from '../api.js';
import { packageKeys } from '../launch/launch.js';

/**
 * Where the next attempt of a step is executed.
 *
 * A step goes to its own queue, else to the one of the run (`--queue`), else to the pipeline's; with
 * none of them, and with `--local`, it stays here. So does an `inline` one: it is for breakpoints in
 * this very process.
 *
 * A queue that no agent serves, or none that has what a step needs, would be an eternal silence: the run
 * says so at once. On one machine it then executes the step itself; on a fleet the step waits, since agents
 * are there for what this machine is not. So does a step of a queue with limits, which agents keep alone.
 */
export interface Router {
  /** The queue to hand it to; undefined: this process executes it. */
  readonly queueFor: (step: StepDefinition) => Promise<string | undefined>;
  /** Whether a step waits in a queue for somebody to take it, when that is its state. */
  readonly waits: (state: QueueState) => boolean;
  /** Tells what keeps a step of the queue from being taken: once, until that was different in between. */
  readonly seen: (step: StepDefinition, queue: string, state: QueueState) => void;
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
  const told = new Set<string>();
  const when = (isSo: boolean, key: string, message: () => string): void => {
    if (!isSo) told.delete(key);
    else if (!told.has(key)) {
      told.add(key);
      options.onWarning(message());
    }
  };
  const queueOf = (step: StepDefinition): string | undefined =>
    engine.local || step.options.isolation === 'inline'
      ? undefined
      : (step.options.queue ?? engine.queue ?? definition.options.queue);
  const stepsOf = (queue: string): readonly StepDefinition[] =>
    [...packageKeys(definition).keys()].filter((step) => queueOf(step) === queue);
  const waits = ({ served, limited }: QueueState): boolean => served || limited || fleet;

  // Not "here": the run may be on an agent itself, and somebody else reads this.
  const seen: Router['seen'] = (step, queue, state) => {
    const { resources, needsText } = needsOf(step);
    // What a limit that is taken away changes is told anew.
    for (const limited of [true, false])
      when(!state.hasAgents && state.limited === limited, `unserved ${queue} ${limited}`, () => {
        const start = agentCommand(queue, { ...state, needs: neededBy(stepsOf(queue)) });
        return `no agent serves queue "${queue}": ${placeOf(state)} (start one: ${start})`;
      });
    when(state.hasAgents && !state.served, `lacking ${queue} ${needsText}`, () => {
      const start = agentCommand(queue, { ...state, needs: resources });
      const place = waits(state) ? 'the step waits for one that does' : 'the run executes the step itself';
      return `no agent of queue "${queue}" has what ${step.name} needs (${needsText}): ${place} (start one: ${start})`;
    });
    when(state.paused, `paused ${queue}`, () => {
      return `queue "${queue}" is paused: its steps wait (let it go on: ${goOnCommand(queue)})`;
    });
  };
  const placeOf = (state: QueueState): string => {
    if (!waits(state)) return 'the run executes its steps itself';
    return fleet
      ? 'its steps wait for one'
      : 'its steps wait for one, since its limits hold for agents alone';
  };

  /** When the first step is about to execute: of all queues, since the others' turn may be hours away. */
  let toldAll: Promise<void> | undefined;
  const tellAll = async (): Promise<void> => {
    const states = await QueueStates.read(store);
    for (const step of packageKeys(definition).keys()) {
      const queue = queueOf(step);
      if (queue !== undefined) seen(step, queue, states.of(queue, step.options.resources));
    }
  };

  /** All queues are counted for it: of thousands of steps that come at once, not for each. */
  let lately: { readonly at: number; readonly states: Promise<QueueStates> } | undefined;
  const statesLately = (): Promise<QueueStates> => {
    if (lately === undefined || performance.now() - lately.at > LATELY_MS)
      lately = { at: performance.now(), states: QueueStates.read(store) };
    return lately.states;
  };

  return {
    waits,
    seen,
    async queueFor(step) {
      await (toldAll ??= tellAll());
      const queue = queueOf(step);
      if (queue === undefined) return undefined;
      const { resources } = step.options;
      const agents = await store.listAgents({ queue });
      if (agents.some((agent) => offers(agent, resources))) return queue;
      const state = (await statesLately()).of(queue, resources);
      seen(step, queue, state);
      return waits(state) ? queue : undefined;
    },
  };
}

/** What is followed from then on is looked at again, and taken back when nobody would take it. */
const LATELY_MS = 200;

const needsOf = ({ options: { resources } }: StepDefinition) => ({
  resources,
  needsText: formatResources(resources),
});

/** What an agent must be told that it has, for all of these; its cores it has without a word. */
function neededBy(steps: readonly StepDefinition[]): Resources {
  const needs: Record<string, number> = {};
  for (const { options } of steps)
    for (const [name, amount] of amountsOf(options.resources))
      if (name !== 'cpu') needs[name] = Math.max(needs[name] ?? 0, amount);
  return needs;
}
