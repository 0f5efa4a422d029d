import { open } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import { makeDirectory } from '../../project/make-directory.js';
import { human, printJson, printLines, type Context } from '../context.js';
import { STARTERS, type StarterStyle } from '../starters.js';
import { usageError } from '../usage-error.js';
import { programName } from '../../project/as-typed.js';

const EXTENSIONS = /\.(?:ts|mts|cts|tsx)$/;

/** `run-pipeline init [FILE]`: never touches a file that exists. */
export async function initCommand(context: Context): Promise<number> {
  const name = context.arguments[0] ?? 'pipeline.ts';
  if (!EXTENSIONS.test(name))
    throw usageError(`${name} is no TypeScript file`, 'run-pipeline init pipeline.ts');
  const file = resolve(context.cwd, name);
  const style = (context.options.text('style') ?? 'class') as StarterStyle;
  makeDirectory(dirname(file));
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(STARTERS[style]);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new RunPipelineError({
      kind: 'usage',
      code: 'file-exists',
      message: `${name} exists already; nothing was written`,
      help: 'give another name: run-pipeline init other.ts',
    });
  }
  const shown = relative(context.cwd, file);
  if (context.json) printJson(context, { file });
  else {
    printLines(human(context), [
      `${context.style.good('✔')} wrote ${shown}`,
      `${context.style.dim('next:')} ${programName()} ${shown}`,
      `      ${programName()} plan ${shown}   ${context.style.dim('then edit a step, and plan again')}`,
    ]);
  }
  return 0;
}
