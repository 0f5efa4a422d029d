import type { JobKind, QueuedJob, Resources } from '@run-pipeline/core/ports';

/**
 * One queue of BullMQ: all jobs of a queue that are of one kind and need the same of an agent. An agent
 * listens on the lanes that it can serve at the moment, so that nobody is given what he has to put back.
 */
export interface Lane {
  readonly kind: JobKind;
  readonly queue: string;
  readonly resources: Resources;
}

export type PushedJob = Pick<QueuedJob, 'task' | 'attempt' | 'kind' | 'queue' | 'priority' | 'resources'>;

/** `step/default`, `step/default/gpu=1,ram=16`; names are escaped, above all the colon, which BullMQ refuses. */
export function laneName({ kind, queue, resources }: Lane): string {
  const needs = Object.entries(resources)
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => `${escaped(name)}=${amount}`)
    .toSorted();
  return [kind, escaped(queue), ...(needs.length === 0 ? [] : [needs.join(',')])].join('/');
}

/** Undefined: not a name that this version gives. */
export function laneOf(name: string): Lane | undefined {
  const [kind, queue, needs, ...more] = name.split('/');
  if (!isKind(kind) || queue === undefined || more.length > 0) return undefined;
  try {
    const resources = (needs?.split(',') ?? []).map((need) => {
      const [resource = '', amount] = need.split('=');
      return [decodeURIComponent(resource), Number(amount)] as const;
    });
    if (resources.some(([, amount]) => !(amount > 0))) return undefined;
    return { kind, queue: decodeURIComponent(queue), resources: Object.fromEntries(resources) };
  } catch {
    return undefined; // an escape that encodes nothing
  }
}

export const KINDS: readonly JobKind[] = ['step', 'task', 'controller'];
const isKind = (text: string | undefined): text is JobKind => (KINDS as readonly unknown[]).includes(text);

/** BullMQ refuses a colon in an id, and an id that is an integer. */
export const jobId = ({ task, attempt }: Pick<PushedJob, 'task' | 'attempt'>): string =>
  `${escaped(task)}-${attempt}`;

/** Halves of characters (lone surrogates), which cannot be encoded, become U+FFFD, as they do in the store. */
const escaped = (text: string): string => encodeURIComponent(Buffer.from(text).toString());

/**
 * BullMQ's priorities are 1 to 2^21, lower is sooner; ours are any number, higher is sooner, 0 is usual. None
 * is without a priority: those would come before all others.
 */
export const bullPriority = (priority: number): number =>
  MIDDLE - Math.max(-FARTHEST, Math.min(FARTHEST, Math.round(priority)));
const MIDDLE = 2 ** 20;
const FARTHEST = MIDDLE - 1;
