/** In a bundle `run-pipeline-external:<id>` stands for the external of that id. */
export const PLACEHOLDER = 'run-pipeline-external:';

/** And `run-pipeline-module:<id>` for the path of the module of that id. */
export const MODULE_PLACEHOLDER = 'run-pipeline-module:';

/** The global through which a bundle hands out its entry's exports before the entry's own code runs. */
export const EXPORTS_HOOK = 'run-pipeline.loading';
