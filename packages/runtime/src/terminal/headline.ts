import type { RunStart } from '@run-pipeline/core/model';
import { printableWord } from './sanitise.js';
import type { Style } from './style.js';
import { count } from './units.js';

/** `▶ iris #3 (examples) 3 steps · 01JD…`: the first line of every run. */
export function runHeadline(style: Style, start: RunStart & { readonly run: string }): string {
  const name = style.bold(`${printableWord(start.pipeline)} #${start.number}`);
  const where = start.project === '' ? '' : ` (${printableWord(start.project)})`;
  const steps = start.steps.length === 0 ? '' : ` ${count(start.steps.length, 'step')} ·`;
  return `${style.info('▶')} ${name}${style.dim(`${where}${steps === '' ? ' ·' : steps} run ${printableWord(start.run)}`)}`;
}
