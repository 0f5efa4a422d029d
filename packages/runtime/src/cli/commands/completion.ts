import type { Context } from '../context.js';
import { bashScript, fishScript, zshScript } from '../completion-scripts.js';
import { didYouMean } from '@run-pipeline/core/model';
import { usageError } from '../usage-error.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `run-pipeline completion bash|zsh|fish` */
export function completionCommand(context: Context): Promise<number> {
  const shell = context.arguments[0]!;
  if (!Object.hasOwn(SCRIPTS, shell)) {
    throw usageError(
      `no completion for ${shell}${didYouMean(shell, Object.keys(SCRIPTS))}`,
      'one of bash, zsh, fish',
    );
  }
  context.out.write(SCRIPTS[shell as keyof typeof SCRIPTS]());
  return Promise.resolve(0);
}
