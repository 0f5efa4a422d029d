import type { AgentEvent } from '../agent/index.js';
import { formatResources } from '../queue/index.js';
import { oneLineError, paintStatus, SYMBOLS } from '../terminal/step-lines.js';
import { printableWord } from '../terminal/sanitise.js';
import type { Style } from '../terminal/style.js';
import { count, formatDuration } from '../terminal/units.js';

/** What an agent tells people: one line an event. */
export function agentEventLine(event: AgentEvent, style: Style): string {
  switch (event.type) {
    case 'agent.start': {
      const queues = event.queues.map((queue) => style.bold(printableWord(queue))).join(', ');
      const order = event.order === 'fair' ? 'in turn, ' : '';
      const more = `${order}${event.concurrency} at once, ${formatResources(event.resources)}`;
      return `${style.info('●')} agent ${printableWord(event.agent)} serves ${queues} ${style.dim(`(${more}) · ${event.home}`)}`;
    }
    case 'task.start':
      return `${style.info(SYMBOLS.running)} ${title(event)}${attempt(event, style)} ${style.dim(printableWord(event.task))}`;
    case 'task.prepare':
      return style.dim(`  ${title(event)}: ${printableWord(event.message)}`);
    case 'task.end': {
      const { status, durationMs, error } = event;
      const head = `${paintStatus(style, status, SYMBOLS[status])} ${title(event)}`;
      if (status === 'completed') return `${head} ${style.dim(formatDuration(durationMs))}`;
      const told = error === undefined ? '' : `: ${oneLineError(error)}`;
      return `${head} ${style.bold(status)} ${style.dim(`after ${formatDuration(durationMs)}`)}${told}`;
    }
    case 'task.release':
      return `${style.warn('↺')} ${title(event)} handed back: ${printableWord(event.reason)}`;
    case 'task.lost':
      return `${style.bad(SYMBOLS.lost)} ${title(event)} lost: ${printableWord(event.reason)}`;
    case 'task.recover':
      return `${style.warn('↺')} ${printableWord(event.task)} waits in ${printableWord(event.queue)} again (attempt ${event.attempt}): its agent was not heard of`;
    case 'task.give-up':
      return `${paintStatus(style, event.status, SYMBOLS[event.status])} ${printableWord(event.task)} ${event.status}: whoever executed it was not heard of`;
    case 'store.trouble':
      return `${style.warn('!')} ${printableWord(event.message)}; tried again until it is done`;
    case 'store.back':
      return `${style.good('●')} the store answers again`;
    case 'agent.drain':
      return event.running === 0
        ? `${style.info('●')} stops`
        : `${style.info('●')} stops when what runs has ended: ${count(event.running, 'task')} (again: hands back at once)`;
    case 'agent.hand-back':
      return `${style.warn('↺')} hands back ${count(event.running, 'task')}`;
    case 'agent.end':
      return `${style.info('●')} ended after ${count(event.executed, 'task')}`;
    default:
      return event satisfies never;
  }
}

const title = (event: { readonly title?: string; readonly task: string }): string =>
  printableWord(event.title ?? event.task);

const attempt = (event: { readonly attempt: number }, style: Style): string =>
  event.attempt === 1 ? '' : style.dim(` (attempt ${event.attempt})`);
