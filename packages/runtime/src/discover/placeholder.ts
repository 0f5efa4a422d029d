/** In a bundle `run-pipeline-external:<id>` stands for the external of that id. */
export const PLACEHOLDER = 'run-pipeline-external:';

/** The global through which a bundle hands out its entry's exports before the entry's own code runs. */
export const EXPORTS_HOOK = 'run-pipeline.loading';
