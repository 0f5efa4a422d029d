import { useMemo } from 'react';
import { viewFromJson } from '@run-pipeline/core/run-view';
import { count, many } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { arrange, CARD_HEIGHT, CARD_WIDTH } from '../graph/arrange.js';
import { fitText } from '../graph/fit-text.js';
import { NAME_FONT, NOTE_FONT } from '../graph/fonts.js';
import card from '../graph/graph.module.css';
import type { Comparison } from './comparison.js';
import { graphDifference, type Change } from './graph-difference.js';
import styles from './drawn-difference.module.css';

/** Smaller than this nothing could be read: then it is scrolled. */
const LEAST = 0.55;
const AROUND = 8;

const CHANGES: Readonly<Record<Change, { readonly sign: string; readonly words: string }>> = {
  added: { sign: '+', words: 'added' },
  removed: { sign: '−', words: 'removed' },
  changed: { sign: '≠', words: 'another result' },
  same: { sign: '=', words: 'the same' },
};

/** Both graphs in one picture. A card that differs opens its line of the table. */
export function DrawnDifference(props: {
  readonly comparison: Comparison;
  readonly base: number;
  readonly other: number;
  readonly onOpen: (step: string) => void;
}) {
  const { comparison, base, other } = props;
  const { graph, changes, edges, leftOut, at } = useMemo(() => {
    const view = (index: number) => viewFromJson(comparison.runs[index]!.view).steps;
    const difference = graphDifference({
      before: view(base),
      now: view(other),
      rows: comparison.steps,
      columns: [base, other],
    });
    return { ...difference, at: arrange(difference.graph.cards.length, difference.graph.edges) };
  }, [comparison, base, other]);
  const counts = Object.entries(CHANGES).map(([change, { sign, words }]) => ({
    change: change as Change,
    sign,
    words,
    value: changes.filter((each) => each === change).length,
  }));
  if (graph.cards.length === 0) return <p className={styles.note}>Every step is the same in both.</p>;
  const path = (change: Change): string => at.edges.filter((_, edge) => edges[edge] === change).join('');
  const width = at.width + 2 * AROUND;
  const height = at.height + 2 * AROUND;
  return (
    <>
      <ul className={styles.legend} aria-label="What differs">
        {counts.map(({ change, sign, words, value }) =>
          value === 0 ? null : (
            <li key={change} className={styles[change]}>
              <b className={styles.sign}>{sign}</b> {count(value)} {words}
            </li>
          ),
        )}
        {leftOut === 0 ? null : <li>{many(leftOut, 'card')} that are the same are left out</li>}
      </ul>
      <div
        className={styles.box}
        tabIndex={0}
        role="group"
        aria-label="Graph of both runs; the table has the same steps"
      >
        <svg
          viewBox={`${-AROUND} ${-AROUND} ${width} ${height}`}
          width={width}
          className={styles.picture}
          style={{ minWidth: Math.round(width * LEAST) }}
        >
          <path d={path('same')} className={card.edges} />
          <path d={path('removed')} className={cx(card.edges, styles.edgeRemoved)} />
          <path d={path('added')} className={cx(card.edges, styles.edgeAdded)} />
          {graph.cards.map(({ name, kind, members }, number) => {
            const change = changes[number] ?? 'same';
            const { sign, words } = CHANGES[change];
            const shown = kind === 'step' ? name : `${name} ×${count(members.length)}`;
            const open = (): void => props.onOpen(kind === 'step' ? name : (members[0] ?? name));
            return (
              <g
                key={name}
                transform={`translate(${at.xs[number] ?? 0} ${at.ys[number] ?? 0})`}
                role="button"
                tabIndex={0}
                aria-label={`${shown}: ${words}`}
                className={cx(card.card, styles[change])}
                onClick={open}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' && event.key !== ' ') return;
                  event.preventDefault();
                  open();
                }}
              >
                {kind === 'step' ? null : (
                  <rect
                    x={5}
                    y={-4}
                    width={CARD_WIDTH - 10}
                    height={CARD_HEIGHT}
                    rx={8}
                    className={card.behind}
                  />
                )}
                <rect
                  width={CARD_WIDTH}
                  height={CARD_HEIGHT}
                  rx={8}
                  className={cx(card.box, styles.cardBox)}
                />
                <text x={20} y={29} className={styles.mark} aria-hidden="true">
                  {sign}
                </text>
                <text x={36} y={21} className={card.name}>
                  {`${fitText(shown, CARD_WIDTH - 48, NAME_FONT)} `}
                </text>
                <text x={36} y={38} className={card.note}>
                  {fitText(words, CARD_WIDTH - 48, NOTE_FONT)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
    </>
  );
}
