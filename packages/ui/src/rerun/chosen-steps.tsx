import { IconButton } from '../design/button.js';
import { CloseIcon } from '../design/icons.js';
import styles from './rerun.module.css';

/** Steps that are executed again whatever the cache holds: added one by one, and taken out again. */
export function ChosenSteps(props: {
  readonly steps: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}) {
  const { steps, chosen, onChange } = props;
  return (
    <>
      {chosen.length === 0 ? null : (
        <ul className={styles.chosen} aria-label="Steps that are executed again">
          {chosen.map((step) => (
            <li key={step} className={styles.chip}>
              <span title={step}>{step}</span>
              <IconButton
                label={`Take ${step} from the cache after all`}
                onClick={() => onChange(chosen.filter((each) => each !== step))}
              >
                <CloseIcon size={12} />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <select
        aria-label="Execute this step again"
        className={styles.input}
        value=""
        onChange={({ target }) => onChange([...chosen, target.value])}
      >
        <option value="" disabled>
          Add a step…
        </option>
        {steps
          .filter((step) => !chosen.includes(step))
          .map((step) => (
            <option key={step}>{step}</option>
          ))}
      </select>
    </>
  );
}
