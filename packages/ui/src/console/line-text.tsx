import { memo, type CSSProperties, type ReactNode } from 'react';
import { cx } from '../design/class-names.js';
import { ansiSpans, type Look, type Span } from './ansi.js';
import styles from './console.module.css';

/** So much of a line is drawn: nobody reads a line of 100,000 characters sideways. */
const LONGEST = 4000;

/** A line with its colours, as text; what was found in it is marked. */
export const LineText = memo(function LineText({
  text,
  look,
  find,
}: {
  readonly text: string;
  /** As the line before left it. */
  readonly look: Look;
  readonly find: string;
}) {
  const cut = text.length > LONGEST;
  return (
    <span className={styles.text}>
      {ansiSpans(cut ? text.slice(0, LONGEST) : text, look).map((span, index) => (
        <span key={index} className={classOf(span)} style={styleOf(span)}>
          {find === '' ? span.text : marked(span.text, find)}
        </span>
      ))}
      {cut ? <span className={styles.cut}> … {text.length - LONGEST} more characters</span> : null}
    </span>
  );
});

const classOf = (span: Span): string =>
  cx(
    typeof span.fg === 'number' && styles[`fg${span.fg}`],
    typeof span.bg === 'number' && styles[`bg${span.bg}`],
    span.bold && styles.bold,
    span.dim && styles.dim,
    span.italic && styles.italic,
    span.underline && styles.underline,
    span.strike && styles.strike,
  );

const styleOf = (span: Span): CSSProperties | undefined => {
  const own = {
    ...(typeof span.fg === 'string' ? { color: span.fg } : {}),
    ...(typeof span.bg === 'string' ? { backgroundColor: span.bg } : {}),
  };
  return Object.keys(own).length === 0 ? undefined : own;
};

function marked(text: string, find: string): ReactNode {
  const parts: ReactNode[] = [];
  const lower = text.toLowerCase();
  const wanted = find.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts;
}
