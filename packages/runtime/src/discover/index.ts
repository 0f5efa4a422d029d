/** From a user's file, or a live program, to definitions. What other rooms use is listed here. */
export { selectCandidate } from './candidates.js';
export { carrySources } from './carry-sources.js';
export type {
  BundlePlace,
  Candidate,
  LoadedFile,
  MapToSource,
  OnStart,
  SelfStart,
  SourceBundle,
} from './discovery.js';
export { ProgramPipelines, type ProgramPipeline } from './library.js';
export { bundleFile, evaluateModule, loadBundle, loadFile } from './load.js';
export { mapToSource } from './map-to-source.js';
export { pruneLoadCache } from './prune.js';
