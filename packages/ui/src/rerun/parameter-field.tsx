import { useId } from 'react';
import type { RunForm } from '@run-pipeline/core/wire';
import styles from './rerun.module.css';

/** One parameter: what it is, its value as text of the command line, and what is wrong with it. */
export function ParameterField(props: {
  readonly parameter: RunForm['parameters'][number];
  /** Undefined: as in the run before. */
  readonly value: string | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: string | undefined) => void;
}) {
  const { parameter, problem } = props;
  const id = useId();
  const before = parameter.value ?? parameter.default ?? '';
  const value = props.value ?? before;
  const set = (next: string): void => props.onChange(next === before ? undefined : next);
  const common = {
    id,
    className: styles.input,
    value,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-about`,
  };
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {parameter.name}
        {parameter.required ? <span className={styles.muted}> required</span> : null}
      </label>
      {parameter.type === 'boolean' && !parameter.schema ? (
        <select {...common} onChange={({ target }) => set(target.value)}>
          <option>true</option>
          <option>false</option>
        </select>
      ) : parameter.type === 'json' || value.length > 60 ? (
        <textarea {...common} rows={3} spellCheck={false} onChange={({ target }) => set(target.value)} />
      ) : (
        <input
          {...common}
          autoComplete="off"
          spellCheck={false}
          inputMode={parameter.type === 'number' || parameter.type === 'integer' ? 'decimal' : 'text'}
          onChange={({ target }) => set(target.value)}
        />
      )}
      <p id={`${id}-about`} className={styles.about}>
        {problem === undefined ? null : (
          <span className={styles.problem} role="alert">
            {problem}{' '}
          </span>
        )}
        {[parameter.schema ? undefined : parameter.type, parameter.description]
          .filter((part) => part !== undefined && part !== '')
          .join(' · ')}
        {props.value === undefined ? null : (
          <>
            {' · '}
            <button type="button" className={styles.reset} onClick={() => props.onChange(undefined)}>
              it was {before === '' ? 'empty' : before}
            </button>
          </>
        )}
      </p>
    </div>
  );
}
