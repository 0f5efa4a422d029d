/**
 * `run-pipeline`: annotate TypeScript functions, run them as a typed, cached, observable pipeline.
 *
 * Steps import this module too, in every worker: it stays lean, the engine is loaded by the first run.
 *
 * @module
 */
import { hasRunHost, setRunHost } from '@run-pipeline/core/define';
import { programHost } from './library/host.js';

export * from '@run-pipeline/core';
export {
  arrowCodec,
  image,
  registerCodec,
  text,
  type ArrowLibrary,
  type Codec,
  type CodecOptions,
  type ImageValue,
} from './artifacts/index.js';

export { currentTask, type CurrentTask, type TaskLogger } from './task/index.js';

// The command line, and a worker, have set theirs by then.
if (!hasRunHost()) setRunHost(programHost());
