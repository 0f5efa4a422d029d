/**
 * `run-pipeline`: annotate TypeScript functions, run them as a typed, cached, observable pipeline.
 *
 * Steps import this module too, in every worker: it stays lean, the engine is loaded by the first run.
 *
 * @module
 */
import { runHostIfSet, setRunHost } from '@run-pipeline/core/define';
import { programHost } from './library/host.js';

export * from '@run-pipeline/core';
export { image, registerCodec, text, type Codec, type CodecOptions, type ImageValue } from './artifacts/index.js';

if (runHostIfSet() === undefined) setRunHost(programHost());
