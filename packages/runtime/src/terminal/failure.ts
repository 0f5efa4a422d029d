import type { ErrorRecord } from '@run-pipeline/core/model';
import { printable, printableWord } from './sanitise.js';
import { namePrefix } from './step-lines.js';
import type { Style } from './style.js';
import { listSome } from './units.js';
import { cut } from './width.js';

/** A failed step with everything that helps to understand it. */
export interface FailureReport {
  readonly step: string;
  readonly error: ErrorRecord;
  readonly status: string;
  /** The last attempt, and how many there were to be (`undefined`: not known). */
  readonly attempt: number;
  readonly attempts?: number | undefined;
  /** Name and a printable look at each input. */
  readonly inputs?: readonly { readonly name: string; readonly shown: string }[];
  /** Ready to print. */
  readonly output?: readonly string[];
  readonly skipped?: readonly string[];
}

const MOST_INPUTS = 6;
const MOST_CAUSES = 5;
const INPUT_WIDTH = 100;

/**
 * ```
 * ✖ train failed: TypeError: Cannot read properties of undefined (reading 'value')
 * pipe.ts:5:16
 *   4 │   const first = rows[0];
 * > 5 │   return first.value * lr;
 *     │                ^
 * ```
 * and what belongs to it.
 */
export function failureLines(
  style: Style,
  failure: FailureReport,
  options: { readonly trace: boolean },
): readonly string[] {
  const { error } = failure;
  const [first, ...more] = printable(error.message).split('\n');
  const head = style.bold(`${printableWord(failure.step)} ${failure.status}`);
  const lines = [`${style.bad('✖')} ${head}: ${style.bad(`${namePrefix(error)}${first}`)}`];
  for (const line of more) lines.push(`  ${line}`);
  if (error.at !== undefined) lines.push(style.info(printableWord(error.at)));
  if (error.frame !== undefined) lines.push(...frameLines(style, error.frame));
  for (const line of failure.inputs?.slice(0, MOST_INPUTS) ?? []) {
    lines.push(
      `${style.dim('input')} ${printableWord(line.name)} = ${cut(printableWord(line.shown), INPUT_WIDTH)}`,
    );
  }
  const left = (failure.inputs?.length ?? 0) - MOST_INPUTS;
  if (left > 0) lines.push(style.dim(`and ${left} more inputs`));
  if (failure.attempt > 1 || (failure.attempts ?? 1) > 1) {
    // Attempts that were lost with their agents come on top of those that the step may have.
    const planned = (failure.attempts ?? 0) >= failure.attempt ? `/${failure.attempts}` : '';
    lines.push(style.dim(`attempt ${failure.attempt}${planned}`));
  }
  lines.push(...causeLines(style, error));
  lines.push(...stackLines(style, error, options.trace));
  if (failure.output !== undefined && failure.output.length > 0) {
    lines.push(
      style.dim(
        `the last ${failure.output.length === 1 ? 'line' : `${failure.output.length} lines`} of its output:`,
      ),
    );
    for (const line of failure.output) lines.push(`${style.dim('│')} ${line}`);
  }
  if (failure.skipped !== undefined && failure.skipped.length > 0) {
    lines.push(`${style.dim('skipped because of it:')} ${listSome(failure.skipped.map(printableWord), 8)}`);
  }
  return lines;
}

/** A code frame that is ready to print, with its marks in colour. */
export function frameLines(style: Style, frame: string): readonly string[] {
  return printable(frame)
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) =>
      /^\s*>/.test(line)
        ? style.bold(line)
        : /^[\s│|]*\^+[\s^]*$/.test(line)
          ? style.bad(line)
          : style.dim(line),
    );
}

function causeLines(style: Style, error: ErrorRecord): readonly string[] {
  const lines: string[] = [];
  let cause = error.cause;
  for (let depth = 0; cause !== undefined; cause = cause.cause, depth++) {
    if (depth === MOST_CAUSES) {
      lines.push(style.dim('and further causes (--trace, --json)'));
      break;
    }
    const at = cause.at === undefined ? '' : style.dim(` (${printableWord(cause.at)})`);
    lines.push(`${style.dim('caused by')} ${printableWord(cause.name)}: ${printable(cause.message)}${at}`);
  }
  return lines;
}

/** The user's frames; the first one says the same as the place above, so it alone is left out. */
function stackLines(style: Style, error: ErrorRecord, trace: boolean): readonly string[] {
  const stack = trace ? (error.trace ?? error.stack) : error.stack;
  if (stack === undefined) return [];
  const frames = printable(stack)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
  if (!trace && frames.length <= 1 && error.at !== undefined) return [];
  return frames.map((line) => style.dim(`  ${line}`));
}
