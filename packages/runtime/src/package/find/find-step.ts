import type { SlicedCode } from '@run-pipeline/core/model';
import { findFunction } from './find-function.js';
import { findMethod } from './find-method.js';
import { notFound, type FindContext, type Found } from './found-step.js';
import type { FunctionIndex } from './function-index.js';
import type { StepPlace } from './place.js';

export function findStep(options: {
  readonly context: FindContext;
  readonly key: string;
  readonly code: SlicedCode;
  readonly place: StepPlace;
  readonly index: FunctionIndex;
}): Found {
  const { context, key, code, place, index } = options;
  const [file] = place.files;
  if (file === undefined) {
    return notFound({
      code: 'source-unknown',
      message: `cannot tell in which file step ${key} is written`,
      help: 'pass `source: import.meta.url`',
    });
  }
  const loaded = context.program.loaded(file);
  if (loaded?.kind === 'failed') return { ok: false, diagnostic: loaded.diagnostic };
  return code.kind === 'method'
    ? findMethod({ context, key, code, files: place.files })
    : findFunction({ context, key, code, place: place.call, file, index });
}
