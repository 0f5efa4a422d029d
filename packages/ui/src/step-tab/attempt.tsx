import type { StepView } from '@run-pipeline/core/run-view';
import { useQueryState } from '../address/search.js';
import { useKeys } from '../keyboard/keys.js';
import styles from './attempt.module.css';

/** The attempt of the address, else the latest one; 0 for a step that never ran. */
export function useAttempt(step: Pick<StepView, 'attempts'>): number {
  const [address] = useQueryState();
  const asked = Number(address.get('attempt'));
  return Number.isInteger(asked) && asked >= 1 && asked <= step.attempts ? asked : step.attempts;
}

/** Which attempt console and errors are of. Nothing where there was one alone. */
export function AttemptSelect({ step }: { readonly step: StepView }) {
  const [, change] = useQueryState();
  const attempt = useAttempt(step);
  const set = (next: number): void => {
    if (next < 1 || next > step.attempts) return;
    change(
      { attempt: next === step.attempts ? undefined : String(next), line: undefined },
      { replace: true },
    );
  };
  useKeys({ '[': () => set(attempt - 1), ']': () => set(attempt + 1) });
  if (step.attempts < 2) return null;
  return (
    <select
      aria-label="Attempt"
      className={styles.attempt}
      value={attempt}
      onChange={({ target }) => set(Number(target.value))}
    >
      {Array.from({ length: step.attempts }, (_, index) => index + 1).map((number) => (
        <option key={number} value={number}>
          attempt {number} of {step.attempts}
        </option>
      ))}
    </select>
  );
}
