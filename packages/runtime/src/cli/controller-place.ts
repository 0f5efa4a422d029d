import type { RunRow, Store } from '@run-pipeline/core/ports';
import { shownStatus } from '../engine/index.js';
import { programName } from '../project/as-typed.js';

/** Where the controller of a run is that was left to agents. */
export interface ControllerPlace {
  readonly queue: string | undefined;
  /** Who executes it, or did last. */
  readonly agent: string | undefined;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  /** Agents that could take it, while it waits. */
  readonly agents: number | undefined;
}

/** Undefined for a run that a process drives by itself. */
export async function controllerPlace(store: Store, row: RunRow): Promise<ControllerPlace | undefined> {
  const task = row.id as never;
  const record = await store.readTask(task);
  if (record === undefined) return undefined;
  const attempt = (await store.readAttempts([task])).get(task);
  const waits = row.queued === true && record.queue !== undefined;
  return {
    queue: record.queue,
    agent: attempt?.agent,
    host: attempt?.executor?.host,
    pid: attempt?.executor?.pid,
    agents: waits ? (await store.listAgents({ queue: record.queue! })).length : undefined,
  };
}

/** `waits in queue "services" (no agent serves it: run-pipeline agent --queue services)`. */
export function placeLine(row: RunRow, place: ControllerPlace): string {
  const { queue, agent, agents, host, pid } = place;
  if (agents !== undefined) {
    const none = agents === 0 ? ` (no agent serves it: ${programName()} agent --queue ${queue})` : '';
    return `waits in queue "${queue}"${none}`;
  }
  const where = host === undefined ? '' : ` (process ${pid} on ${host})`;
  if (agent === undefined) return host === undefined ? '' : `here, by hand${where}`;
  const status = shownStatus(row);
  const tense = status === 'running' || status === 'queued' ? 'on' : 'was on';
  return `${tense} agent ${agent}${queue === undefined ? '' : `, from queue "${queue}"`}${where}`;
}
