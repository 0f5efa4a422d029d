/** Put in by the build. */
declare const RUN_PIPELINE_VERSION: string | undefined;

export const VERSION: string = typeof RUN_PIPELINE_VERSION === 'undefined' ? 'unbuilt' : RUN_PIPELINE_VERSION;
