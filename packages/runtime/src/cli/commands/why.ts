import { explainStep, type StepExplanation } from '../../engine/index.js';
import { printable, printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { cut } from '../../terminal/width.js';
import { printJson, printLines, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { runName } from '../select-run.js';
import type { RunRow } from '@run-pipeline/core/ports';

/** `run-pipeline why RUN STEP` */
export function whyCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const explanation = await explainStep(project, row.id, context.arguments[1]!);
    if (context.json) printJson(context, { run: row.id, ...explanation });
    else printLines(context.out, explanationLines(context, row, explanation));
    return 0;
  });
}

function explanationLines(context: Context, row: RunRow, explanation: StepExplanation): readonly string[] {
  const { style } = context;
  const lines = [
    `${style.bold(printableWord(explanation.step))} ${sentence(explanation)} ${style.dim(`(${printableWord(runName(row))})`)}`,
  ];
  const reasons = explanation.why.length > 0 ? explanation.why : explanation.changes;
  for (const reason of reasons) lines.push(`  ${printable(reason)}`);
  const further = explanation.changes.filter((change) => !reasons.includes(change));
  if (further.length > 0 && explanation.comparedWith !== undefined) {
    lines.push(style.dim(`changed since run ${explanation.comparedWith}:`));
    for (const change of further) lines.push(`  ${printable(change)}`);
  }
  if (explanation.ancestors.length > 0) {
    lines.push(style.dim('before it ran:'));
    for (const ancestor of explanation.ancestors) {
      lines.push(
        `  ${printableWord(ancestor.step)}${ancestor.why.length === 0 ? '' : `: ${printable(ancestor.why.join('; '))}`}`,
      );
    }
  }
  if (explanation.fingerprint !== undefined) lines.push(style.dim(`fingerprint ${explanation.fingerprint}`));
  lines.push(
    ...tableLines(
      explanation.parts.map((part) => [
        style.dim(part.kind),
        printableWord(part.name),
        cut(printableWord(part.shown ?? part.hash.replace(/^sha256:/, '').slice(0, 12)), 60),
        style.dim(printableWord(part.where ?? '')),
      ]),
      { indent: '  ' },
    ),
  );
  return lines;
}

function sentence(explanation: StepExplanation): string {
  switch (explanation.status) {
    case 'cached':
      return `was taken from the cache${explanation.cachedFrom === undefined ? '' : `: run ${explanation.cachedFrom} had executed it`}`;
    case 'skipped':
      return 'was skipped because';
    default:
      return explanation.why.length + explanation.changes.length === 0
        ? 'was executed'
        : 'was executed because';
  }
}
