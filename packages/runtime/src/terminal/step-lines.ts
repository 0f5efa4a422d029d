import type { RunStatus, StepEnd, StepRetry, StepStatus } from '@run-pipeline/core/model';
import type { Group, WaitingQueue } from './progress.js';
import { printableWord } from './sanitise.js';
import type { Style } from './style.js';
import { formatDuration } from './units.js';

/** The lines that say what became of a step: the same words in every kind of output. */

export const SYMBOLS: Readonly<Record<StepStatus | RunStatus, string>> = {
  created: '·',
  queued: '·',
  running: '▶',
  completed: '✔',
  cached: '●',
  failed: '✖',
  aborted: '■',
  skipped: '○',
  lost: '?',
};

export function paintStatus(style: Style, status: string, text: string): string {
  switch (status) {
    case 'completed':
      return style.good(text);
    case 'cached':
    case 'running':
      return style.info(text);
    case 'failed':
    case 'lost':
      return style.bad(text);
    case 'aborted':
      return style.warn(text);
    default:
      return style.dim(text);
  }
}

/** `agent`: the one that executed it last. */
export function endLine(style: Style, end: StepEnd, agent?: string): string {
  const head = `${paintStatus(style, end.status, SYMBOLS[end.status])} ${printableWord(end.step)}`;
  const attempts = end.attempt > 1 ? style.dim(` (attempt ${end.attempt})`) : '';
  const where = agent === undefined || end.attempt === 0 ? '' : style.dim(` on ${printableWord(agent)}`);
  switch (end.status) {
    case 'completed':
      return `${head} ${style.dim(formatDuration(end.durationMs))}${attempts}${where}`;
    case 'cached':
      return `${head} ${style.dim(`cached${end.cachedFrom === undefined ? '' : ` from ${printableWord(end.cachedFrom)}`}`)}`;
    case 'skipped':
      return `${head} ${style.dim(`skipped${end.why[0] === undefined ? '' : `: ${printableWord(end.why[0])}`}`)}`;
    case 'failed':
    case 'aborted': {
      const verb = style.bold(end.status);
      const time = style.dim(`after ${formatDuration(end.durationMs)}`);
      return `${head} ${verb} ${time}${attempts}${where}${end.error === undefined ? '' : `: ${oneLineError(end.error)}`}`;
    }
  }
}

/** `TypeError: message (pipe.ts:5:16)`, the first line of the message. */
export function oneLineError(error: NonNullable<StepEnd['error']>): string {
  const message = printableWord(firstLine(error.message));
  const at = error.at === undefined ? '' : ` (${printableWord(error.at)})`;
  return `${namePrefix(error)}${message}${at}`;
}

/** Our own errors say what is wrong in their message; the names of their classes say nothing more. */
export const namePrefix = (error: NonNullable<StepEnd['error']>): string =>
  error.name === 'RunPipelineError' || error.name === 'StepAborted' ? '' : `${printableWord(error.name)}: `;

export function retryLine(style: Style, retry: StepRetry): string {
  // Nobody's failure: it came back to its queue by itself.
  if (retry.error.code === 'agent-lost')
    return `${style.warn('↻')} ${printableWord(retry.step)} attempt ${retry.attempt} ended with its agent, again: ${printableWord(retry.error.message)}`;
  const wait = retry.delayMs > 0 ? ` in ${formatDuration(retry.delayMs)}` : '';
  return `${style.warn('↻')} ${printableWord(retry.step)} attempt ${retry.attempt} failed, again${wait}: ${oneLineError(retry.error)}`;
}

/** `· 12 steps wait in queue gpu: train, …` */
export function waitingText({ queue, first, count: number }: WaitingQueue): string {
  const name = printableWord(first.name);
  const where = `in queue ${printableWord(queue)}`;
  return number === 1 ? `${name} waits ${where}` : `${number} steps wait ${where}: ${name}, …`;
}

/** `score[×998] 412 done 1 failed`. */
export function groupText(group: Group): string {
  const parts = [`${printableWord(group.name)}[×${group.elements.size}]`, `${group.done} done`];
  if (group.cached > 0) parts.push(`(${group.cached} cached)`);
  if (group.failed > 0) parts.push(`${group.failed} failed`);
  if (group.skipped > 0) parts.push(`${group.skipped} skipped`);
  return parts.join(' ');
}

export function groupEndLine(style: Style, group: Group, end: StepEnd, now: number): string {
  const time = group.since === undefined ? '' : ` ${style.dim(formatDuration(now - group.since))}`;
  return `${paintStatus(style, end.status, SYMBOLS[end.status])} ${groupText(group)}${time}`;
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!;
