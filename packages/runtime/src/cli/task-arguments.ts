import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { didYouMean, type TaskConfigurations, type TaskParameters } from '@run-pipeline/core/model';
import { flatParameters, nestedParameters, type TaskView } from '../tasks/index.js';
import { printLines, type Context } from './context.js';
import { usageError } from './usage-error.js';

/**
 * `--arg Section/name=text`, as text: the script understands it as the type of its own default. A name
 * without a section is one of `General`.
 */
export function argumentsOf(context: Context): TaskParameters {
  return nestedParameters(
    context.options.texts('arg').map((flag) => {
      const { name, value } = assignmentOf('--arg', flag, 'General/lr=0.01');
      if (name.startsWith('/') || name.endsWith('/'))
        throw usageError(`--arg takes SECTION/NAME=VALUE, not ${JSON.stringify(flag)}`);
      return [name, { json: value, text: true }] as const;
    }),
  );
}

/** `--config NAME=TEXT`, or `NAME=@FILE`. */
export function configurationsOf(context: Context): TaskConfigurations {
  return Object.fromEntries(
    context.options.texts('config').map((flag) => {
      const { name, value } = assignmentOf('--config', flag, 'network=@network.json');
      return [name, { json: value.startsWith('@') ? textOf(context, value.slice(1)) : value }];
    }),
  );
}

function assignmentOf(
  option: string,
  flag: string,
  example: string,
): { readonly name: string; readonly value: string } {
  const at = flag.indexOf('=');
  if (at <= 0)
    throw usageError(
      `${option} takes NAME=VALUE, not ${JSON.stringify(flag)}`,
      `for example ${option} ${example}`,
    );
  return { name: flag.slice(0, at), value: flag.slice(at + 1) };
}

function textOf(context: Context, path: string): string {
  try {
    return readFileSync(resolve(context.cwd, path), 'utf8');
  } catch (error) {
    throw usageError(`--config: ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** What is set may be known only to code that did not run yet; a slip of the pen is worth a word. */
export function noteUnknown(context: Context, task: TaskView, set: TaskParameters): void {
  const known = Object.keys(flatParameters(task.parameters));
  if (known.length === 0) return;
  for (const name of Object.keys(flatParameters(set))) {
    if (known.includes(name)) continue;
    printLines(context.err, [
      `${context.style.warn('▲')} ${task.project}/${task.name} has no parameter ${name}${didYouMean(name, known)}; it is added`,
    ]);
  }
}
