import { useMemo } from 'react';
import { duration, many } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { statusColour, statusWord } from '../design/status.js';
import { ticks, timeline, timeTaken, type Row, type Segment } from '../timeline/segments.js';
import line from '../timeline/timeline.module.css';
import { StepAnchor } from './step-anchor.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** When every step waited, executed and tried again. */
export function ReportTimeline() {
  const { run } = useReportedRun();
  const { view, steps, data } = run;
  const drawn = useMemo(() => timeline(view, steps, Date.parse(data.madeAt)), [view, steps, data]);
  const { rows } = drawn;
  if (rows.length === 0) return <p className={styles.muted}>Nothing was executed.</p>;
  const kinds = new Set(rows.flatMap(({ segments }) => segments.map(({ kind }) => kind)));
  const marks = ticks(0, drawn.length, 8);
  const place = (at: number) => ({ left: `${(at / drawn.length) * 100}%` });
  return (
    <div className={styles.card}>
      {drawn.critical.length === 0 ? null : (
        <p className={styles.critical}>
          <span className={line.diamond} aria-hidden="true" /> Critical path:{' '}
          {many(drawn.critical.length, 'step')}, {duration(drawn.criticalMs)} of {duration(drawn.length)}
        </p>
      )}
      <div className={styles.rows} tabIndex={0} role="group" aria-label="Timeline">
        <div className={cx(styles.time, styles.head)} aria-hidden="true">
          <span />
          <div className={line.axis}>
            {marks.map((at) => (
              <span key={at} className={line.tick} style={place(at)}>
                {at === 0 ? '0' : at / drawn.length > 0.92 ? '' : duration(at)}
              </span>
            ))}
          </div>
          <span />
        </div>
        <ul aria-label="Steps by the time they started">
          {rows.map((row) => (
            <li key={row.step.name} className={styles.time}>
              <span className={styles.timeName}>
                <StepAnchor name={row.step.name} />
                {row.critical ? <span className={line.diamond} title="On the critical path" /> : null}
              </span>
              <div className={line.bars} aria-hidden="true">
                {row.segments.map((segment, index) => (
                  <span
                    key={index}
                    className={cx(line.bar, line[segment.kind])}
                    title={KINDS.find(([kind]) => kind === segment.kind)?.[1]}
                    style={{
                      ...place(segment.from),
                      width: `${((segment.to - segment.from) / drawn.length) * 100}%`,
                      color: colourOf(segment, row),
                    }}
                  />
                ))}
              </div>
              <span className={styles.timeTook}>{words(row)}</span>
            </li>
          ))}
        </ul>
      </div>
      <ul className={line.legend} aria-label="What the bars mean">
        {KINDS.filter(([kind]) => kinds.has(kind)).map(([kind, meaning]) => (
          <li key={kind}>
            <span className={cx(line.sample, line[kind])} /> {meaning}
          </li>
        ))}
      </ul>
    </div>
  );
}

const KINDS: readonly (readonly [kind: Segment['kind'], meaning: string])[] = [
  ['run', 'executes'],
  ['wait', 'waits for a slot'],
  ['queue', 'waits in a queue'],
  ['retry', 'before the next attempt'],
  ['group', 'from its first element to its last'],
  ['instant', 'cached'],
];

const colourOf = (segment: Segment, { step }: Row): string =>
  segment.failed ? 'var(--failed)' : statusColour(step.status);

function words(row: Row): string {
  const { step, segments } = row;
  const ran = segments.filter(({ kind }) => kind === 'run' || kind === 'group');
  if (ran.length === 0) return statusWord(step.status);
  const took = duration(timeTaken(row));
  return ran.length > 1 ? `${took}, ${ran.length} attempts` : took;
}
