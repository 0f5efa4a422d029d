/** Prefixes of specifiers inside packages and, while they are made, between sliced modules. */

export const SLICE = 'run-pipeline-slice:';
export const NAMESPACE = 'run-pipeline-namespace:';
/** A file that is bundled as it is. */
export const FILE = 'run-pipeline-file:';
export const DEPENDENCY = 'run-pipeline-dependency:';
/** Stands for the file URL of a source file; replaced where the package runs. */
export const SOURCE = 'run-pipeline-source:';
