/** Longer delays than this make `setTimeout` fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** A timer of any length: `60d` is more than one `setTimeout` can hold. */
export function startTimer(ms: number, fire: () => void): { readonly stop: () => void } {
  let timer: NodeJS.Timeout;
  const wait = (left: number): void => {
    timer = setTimeout(
      () => (left > LONGEST_DELAY_MS ? wait(left - LONGEST_DELAY_MS) : fire()),
      Math.min(left, LONGEST_DELAY_MS),
    );
  };
  wait(ms);
  return { stop: () => clearTimeout(timer) };
}
