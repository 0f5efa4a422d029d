import { useEffect, useState, type ReactNode } from 'react';
import type { StepCodeView } from '@run-pipeline/core/wire';
import { cx } from '../design/class-names.js';
import { CopyButton } from '../design/copy-button.js';
import { highlight, plainLines, type Line } from './highlight.js';
import { diffLines } from './line-diff.js';
import styles from './code-tab.module.css';

type Piece = StepCodeView['pieces'][number];

/** The same code at two times, piece by piece. */
export function CodeDifferences(props: {
  readonly before: readonly Piece[];
  readonly now: readonly Piece[];
}) {
  if (props.before.length + props.now.length === 0) return <p>Its code is not known any more.</p>;
  return paired(props.before, props.now).map(({ key, was, is }) => (
    <Difference key={key} was={was} is={is} />
  ));
}

/** A piece of source with the numbers of its lines. */
export function CodeLines({ piece }: { readonly piece: Piece }) {
  const lines = useHighlighted(piece);
  return (
    <Frame piece={piece}>
      {lines.map((line, index) => (
        <CodeLine
          key={index}
          number={piece.line + index}
          line={line}
          mark={piece.line + index === piece.failed ? 'failed' : undefined}
        />
      ))}
    </Frame>
  );
}

function Difference({ was, is }: { readonly was: Piece | undefined; readonly is: Piece | undefined }) {
  const before = useHighlighted(was);
  const now = useHighlighted(is);
  const piece = is ?? was;
  if (piece === undefined) return null;
  const lines = diffLines(was?.text.split('\n') ?? [], is?.text.split('\n') ?? []);
  const changed = lines.some(({ change }) => change !== 'same');
  return (
    <Frame
      piece={piece}
      note={
        was === undefined ? 'new' : is === undefined ? 'not used any more' : changed ? 'changed' : 'the same'
      }
      closed={!changed}
    >
      {lines.map((line, index) => (
        <CodeLine
          key={index}
          number={line.now === undefined ? undefined : (is?.line ?? 1) + line.now}
          line={(line.now === undefined ? before[line.before ?? 0] : now[line.now]) ?? []}
          mark={line.change === 'same' ? undefined : line.change}
        />
      ))}
    </Frame>
  );
}

function Frame(props: {
  readonly piece: Piece;
  readonly note?: string;
  readonly closed?: boolean;
  readonly children: ReactNode;
}) {
  const { piece } = props;
  const place = `${piece.file}:${piece.line}`;
  return (
    <div className={styles.piece}>
      <details open={props.closed !== true}>
        <summary className={styles.place}>
          <span className={styles.file} title={place}>
            {place}
          </span>
          {props.note === undefined ? null : <span className={styles.note}>{props.note}</span>}
        </summary>
        <pre className={styles.code} tabIndex={0} aria-label={`${piece.name}, ${place}`}>
          {props.children}
        </pre>
      </details>
      {/* A summary may hold no other button. */}
      <span className={styles.copy}>
        <CopyButton text={piece.text} label={`Copy ${piece.name}`} />
      </span>
    </div>
  );
}

const SIGN = { added: '+', removed: '−', failed: '✖' } as const;

function CodeLine(props: {
  readonly number: number | undefined;
  readonly line: Line;
  readonly mark: keyof typeof SIGN | undefined;
}) {
  const { mark } = props;
  return (
    <span className={cx(styles.line, mark !== undefined && styles[mark])}>
      <span className={styles.number} aria-hidden="true">
        {props.number ?? ''}
      </span>
      <span className={styles.sign}>{mark === undefined ? ' ' : SIGN[mark]}</span>
      {props.line.map((word, index) => (
        <span key={index} data-kind={word.kind}>
          {word.text}
        </span>
      ))}
      {'\n'}
    </span>
  );
}

/** Plain at once, with colours as soon as they are known: the lines are the same. */
function useHighlighted(piece: Piece | undefined): readonly Line[] {
  const [lines, setLines] = useState<{ readonly of: Piece | undefined; readonly lines: readonly Line[] }>();
  useEffect(() => {
    if (piece === undefined) return undefined;
    let left = false;
    void highlight(piece.text, piece.language).then((found) => {
      if (!left) setLines({ of: piece, lines: found });
    });
    return () => {
      left = true;
    };
  }, [piece]);
  if (piece === undefined) return [];
  return lines?.of === piece ? lines.lines : plainLines(piece.text);
}

/** Pieces of both, by file and name. */
function paired(before: readonly Piece[], now: readonly Piece[]) {
  const key = ({ file, name }: Piece): string => `${file}\n${name}`;
  const was = new Map(before.map((piece) => [key(piece), piece]));
  const is = new Map(now.map((piece) => [key(piece), piece]));
  return [...new Set([...is.keys(), ...was.keys()])].map((each) => ({
    key: each,
    was: was.get(each),
    is: is.get(each),
  }));
}
