import type { RunStart } from '@run-pipeline/core/model';
import type { Progress } from './progress.js';
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

/** `▶ iris #3 resumed: 2 of 5 steps are kept · run 01JD…`: the first line of a resume. */
export function resumeHeadline(style: Style, progress: Progress): string {
  const { view, counts, total } = progress;
  const name = style.bold(`${printableWord(view.pipeline)} #${view.number}`);
  const kept = `${counts.completed + counts.cached} of ${count(total, 'step')} kept`;
  return `${style.info('▶')} ${name} resumed${style.dim(`, ${kept}, with the code it started with · run ${printableWord(view.id)}`)}`;
}
