import type { LogPage } from '@run-pipeline/core/wire';
import { count } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { Section } from '../design/facts.js';
import { PLAIN } from '../console/ansi.js';
import { LineText } from '../console/line-text.js';
import { looksOf } from '../console/looks.js';
import log from '../console/console.module.css';
import styles from './report.module.css';

/** The last lines of the latest attempt, as text with its colours. */
export function ReportedConsole(props: {
  readonly page: LogPage;
  readonly attempts: number;
  readonly name: string;
}) {
  const { page } = props;
  const lines = [...page.lines, ...page.open];
  const looks = looksOf(lines);
  return (
    <Section
      title={props.attempts > 1 ? `Console of attempt ${page.attempt}` : 'Console'}
      aside={page.from === 0 ? undefined : `the first ${count(page.from)} lines were left out`}
    >
      <div className={styles.console} tabIndex={0} role="group" aria-label={`Console of ${props.name}`}>
        {lines.map((line, index) => (
          <div key={index} className={cx(styles.consoleLine, line.stream === 'stderr' && log.stderr)}>
            <span className={styles.lineNumber} aria-hidden="true">
              {page.from + index + 1}
            </span>
            {line.stream === 'stderr' ? <span className={styles.unseen}>stderr: </span> : null}
            <LineText text={line.text} look={looks[index] ?? PLAIN} find="" />
          </div>
        ))}
      </div>
    </Section>
  );
}
