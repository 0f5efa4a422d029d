/** `#3` where the pipeline is the one that is looked at, else `train #3`. */
export const shortRunName = (
  run: { readonly pipeline: string; readonly number: number },
  pipeline: string,
): string => (run.pipeline === pipeline ? `#${run.number}` : `${run.pipeline} #${run.number}`);

/** Of a run of which nothing else is known. */
export const endOfId = (run: string): string => `…${run.slice(-6)}`;
