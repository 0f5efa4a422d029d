import { writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import { asTyped } from '../../project/as-typed.js';
import { newKeyPair, readSigner } from '../../signing/index.js';
import { printableWord } from '../../terminal/sanitise.js';
import { printJson, printLines, type Context } from '../context.js';

const DEFAULT_FILE = 'run-pipeline-signing.pem';

/** `run-pipeline keys new`: a pair for signing packages. The private key goes to a file and nowhere else. */
export async function keysNewCommand(context: Context): Promise<number> {
  const { cwd, options, style } = context;
  const file = resolve(cwd, options.text('out') ?? DEFAULT_FILE);
  const pair = newKeyPair();
  try {
    writeFileSync(file, pair.privatePem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw cannotWrite(file, error as NodeJS.ErrnoException);
  }
  if (context.json) {
    printJson(context, { file, id: pair.id, publicKey: pair.publicKey });
    return 0;
  }
  const shown = printableWord(relative(cwd, file) || file);
  printLines(context.out, [
    `${style.good('✔')} ${style.bold(shown)} is the private key: keep it out of git, and only where runs are started`,
    `  RUN_PIPELINE_SIGNING_KEY=${printableWord(file)}`,
    asTyped(
      `${style.good('✔')} the public key is for agents that run signed code alone (run-pipeline agent --require-signature)`,
    ),
    `  RUN_PIPELINE_TRUSTED_KEYS=${pair.publicKey}`,
  ]);
  return 0;
}

function cannotWrite(file: string, error: NodeJS.ErrnoException): RunPipelineError {
  const isThere = error.code === 'EEXIST';
  return new RunPipelineError({
    kind: 'usage',
    code: isThere ? 'key-exists' : 'key-not-written',
    message: isThere
      ? `${file} is there already, and is not replaced: what it has signed could not be told any more`
      : `${file} cannot be written: ${error.code ?? error.message}`,
    help: 'give another place with --out',
    cause: error,
  });
}

/** `run-pipeline keys show`: the public key of the pair that packages are signed with here. */
export async function keysShowCommand(context: Context): Promise<number> {
  const signer = readSigner(context.env);
  if (signer === undefined)
    throw new RunPipelineError({
      kind: 'usage',
      code: 'signing-key',
      message: 'RUN_PIPELINE_SIGNING_KEY is not set: packages that are made here are not signed',
      help: 'run-pipeline keys new makes a pair of keys',
    });
  const { id, publicKey } = signer;
  if (context.json) printJson(context, { id, publicKey });
  else printLines(context.out, [publicKey]);
  return 0;
}
