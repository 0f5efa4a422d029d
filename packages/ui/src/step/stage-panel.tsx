import { useMemo } from 'react';
import { useShape, type LiveRun } from '../data/live-run.js';
import { count } from '../design/amounts.js';
import { IconButton } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { CloseIcon } from '../design/icons.js';
import { cardGraphOf } from '../graph/cards.js';
import { Members } from './members.js';
import styles from './step-panel.module.css';
import body from '../step-tab/tab-body.module.css';

/** The steps of a stage: many with the same parents and children, drawn as one card. */
export function StagePanel(props: {
  readonly live: LiveRun;
  readonly name: string;
  readonly onSelect: (step: string) => void;
  readonly onClose: () => void;
}) {
  const { live, name } = props;
  const shape = useShape(live);
  const card = useMemo(
    () => cardGraphOf(live.view, shape).cards.find((each) => each.name === name),
    [shape, live, name],
  );
  return (
    <section aria-label={`Steps ${name}`} className={styles.panel}>
      <header className={styles.head}>
        <h2 className={styles.name}>{name}</h2>
        {card === undefined ? null : <span className={styles.took}>{count(card.members.length)} steps</span>}
        <IconButton label="Close the steps" keys="Esc" onClick={props.onClose} className={styles.close}>
          <CloseIcon />
        </IconButton>
      </header>
      {card === undefined ? (
        <EmptyState title="This run has no such steps" small live />
      ) : (
        <div className={`${body.body} ${styles.content}`}>
          <Members live={live} names={card.members} onSelect={props.onSelect} tall />
        </div>
      )}
    </section>
  );
}
