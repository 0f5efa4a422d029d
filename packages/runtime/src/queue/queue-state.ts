import { lacking, type Resources } from '@run-pipeline/core/model';
import type { AgentRow, QueueRow, Store } from '@run-pipeline/core/ports';
import { formatResources } from './resources.js';

/** Who would take what waits in a queue, and needs so much. */
export interface QueueState {
  /** An agent takes jobs from it that has what is needed, free or not. */
  readonly served: boolean;
  /** An agent takes jobs from it, whatever it has. */
  readonly hasAgents: boolean;
  /** It has limits, which agents keep and nobody else. */
  readonly limited: boolean;
  /** Nothing of it is begun, whoever serves it. */
  readonly paused: boolean;
  /** Somebody has made it, or named it. */
  readonly isKnown: boolean;
}

/** Agents and queues as they are now, read once for all that is asked. */
export class QueueStates {
  readonly #agents: readonly AgentRow[];
  readonly #queues: ReadonlyMap<string, QueueRow>;

  private constructor(agents: readonly AgentRow[], queues: readonly QueueRow[]) {
    this.#agents = agents;
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]));
  }

  static async read(store: Pick<Store, 'listAgents' | 'listQueues'>): Promise<QueueStates> {
    const [agents, queues] = await Promise.all([store.listAgents(), store.listQueues()]);
    return new QueueStates(agents, queues);
  }

  of(queue: string, needs: Resources): QueueState {
    const agents = this.#agents.filter(({ queues, draining }) => !draining && queues.includes(queue));
    const row = this.#queues.get(queue);
    const limits = row?.limits ?? {};
    return {
      served: agents.some((agent) => offers(agent, needs)),
      hasAgents: agents.length > 0,
      limited: Object.keys(limits).length > 0,
      paused: limits.concurrency === 0,
      isKnown: row !== undefined,
    };
  }
}

/** Free or not. */
export const offers = ({ resources }: AgentRow, needs: Resources): boolean =>
  lacking(needs, resources).length === 0;

export const sameState = (a: QueueState | undefined, b: QueueState | undefined): boolean =>
  a?.served === b?.served &&
  a?.hasAgents === b?.hasAgents &&
  a?.limited === b?.limited &&
  a?.paused === b?.paused;

/** The command that starts an agent for it. One takes a queue that nobody has made for a slip of the pen. */
export function agentCommand(
  queue: string,
  { isKnown, needs }: { readonly isKnown: boolean; readonly needs: Resources },
): string {
  const create = isKnown ? '' : ' --create-queue';
  const resources = Object.keys(needs).length === 0 ? '' : ` --resources ${formatResources(needs, ',')}`;
  return `run-pipeline agent --queue ${wordOf(queue)}${create}${resources}`;
}

/** The command that lets a paused queue go on. */
export const goOnCommand = (queue: string): string =>
  `run-pipeline queue limit ${wordOf(queue)} --concurrency none`;

/** For a shell. */
const wordOf = (queue: string): string =>
  /^[\w./:@=+-]+$/.test(queue) ? queue : `'${queue.replaceAll("'", `'\\''`)}'`;

/** Why nobody takes what was just put into a queue; empty when somebody does. */
export function idleReasons(queue: string, needs: Resources, state: QueueState): readonly string[] {
  const start = (): string => agentCommand(queue, { isKnown: state.isKnown, needs });
  return [
    ...(state.hasAgents ? [] : [`no agent serves queue "${queue}": start one with ${start()}`]),
    ...(state.hasAgents && !state.served
      ? [
          `no agent of queue "${queue}" has what it needs (${formatResources(needs)}): start one with ${start()}`,
        ]
      : []),
    ...(state.paused ? [`queue "${queue}" is paused: let it go on with ${goOnCommand(queue)}`] : []),
  ];
}
