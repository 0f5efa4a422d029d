import { useMemo } from 'react';
import type { StepStatus } from '@run-pipeline/core/model';
import { count, duration } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { StatusShape } from '../design/status-icon.js';
import { statusColour, statusWord } from '../design/status.js';
import { arrange, CARD_HEIGHT, CARD_WIDTH } from '../graph/arrange.js';
import { cardGraph, groupStatus, type Card } from '../graph/cards.js';
import { fitText } from '../graph/fit-text.js';
import { NAME_FONT, NOTE_FONT } from '../graph/fonts.js';
import card from '../graph/graph.module.css';
import { useReportedRun, type ReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** Smaller than this nothing could be read: then it is scrolled. */
const LEAST = 0.55;
const AROUND = 8;

/** The whole graph, as it ended. */
export function ReportGraph() {
  const { run } = useReportedRun();
  const { graph, at } = useMemo(() => {
    const cards = cardGraph(run.view);
    return { graph: cards, at: arrange(cards.cards.length, cards.edges) };
  }, [run]);
  const width = at.width + 2 * AROUND;
  const height = at.height + 2 * AROUND;
  return (
    <div
      className={cx(styles.card, styles.graph)}
      tabIndex={0}
      role="group"
      aria-label={`Graph of ${count(run.view.steps.size)} steps; the list of steps has the same`}
    >
      <svg
        viewBox={`${-AROUND} ${-AROUND} ${width} ${height}`}
        width={width}
        style={{ minWidth: Math.round(width * LEAST) }}
        className={styles.picture}
      >
        <path d={at.path} className={card.edges} />
        {graph.cards.map((each, number) => (
          <GraphCard key={each.name} card={each} x={at.xs[number] ?? 0} y={at.ys[number] ?? 0} />
        ))}
      </svg>
    </div>
  );
}

function GraphCard(props: { readonly card: Card; readonly x: number; readonly y: number }) {
  const { run, open } = useReportedRun();
  const { status, note, leadsTo } = look(run, props.card);
  const isGroup = props.card.kind !== 'step';
  const name = isGroup ? `${props.card.name} ×${count(props.card.members.length)}` : props.card.name;
  const words = `${statusWord(status)}${note === '' ? '' : ` · ${note}`}`;
  return (
    <g transform={`translate(${props.x} ${props.y})`}>
      <a
        href={`#${run.idOf(leadsTo)}`}
        aria-label={`${name} ${words}`}
        className={cx(card.card, card[status])}
        onClick={() => open(leadsTo)}
      >
        {isGroup ? (
          <rect x={5} y={-4} width={CARD_WIDTH - 10} height={CARD_HEIGHT} rx={8} className={card.behind} />
        ) : null}
        <rect width={CARD_WIDTH} height={CARD_HEIGHT} rx={8} className={card.box} />
        <svg x={12} y={8} width={16} height={16} viewBox="0 0 16 16" style={{ color: statusColour(status) }}>
          <StatusShape status={status} />
        </svg>
        <text x={36} y={21} className={card.name}>
          {/* The blank keeps the words apart where they are read as one text. */}
          {`${fitText(name, CARD_WIDTH - 48, NAME_FONT)} `}
        </text>
        <text x={36} y={38} className={card.note}>
          {fitText(words, CARD_WIDTH - 48, NOTE_FONT)}
        </text>
      </a>
    </g>
  );
}

function look(
  run: ReportedRun,
  { kind, name, members }: Card,
): { readonly status: StepStatus; readonly note: string; readonly leadsTo: string } {
  const own = run.view.steps.get(name as never);
  if (kind === 'step' || members.length === 0) {
    const note =
      own === undefined
        ? ''
        : own.status === 'cached'
          ? own.cachedFrom === undefined
            ? ''
            : `from ${run.nameOf(own.cachedFrom)}`
          : own.durationMs === undefined || own.status === 'skipped'
            ? ''
            : `${duration(own.durationMs)}${own.attempts > 1 ? ` · attempt ${own.attempts}` : ''}`;
    return { status: own?.status ?? 'created', note, leadsTo: name };
  }
  const counts: Partial<Record<StepStatus, number>> = {};
  for (const member of members) {
    const status = run.view.steps.get(member)?.status ?? 'created';
    counts[status] = (counts[status] ?? 0) + 1;
  }
  const failed = counts.failed ?? 0;
  const ended = (counts.completed ?? 0) + (counts.cached ?? 0);
  const isOver = own?.status === 'failed' || own?.status === 'aborted' || own?.status === 'skipped';
  const broken = members.find((member) => run.view.steps.get(member)?.status === 'failed');
  return {
    status: isOver ? own.status : groupStatus(counts),
    note:
      failed > 0
        ? `${count(failed)} failed of ${count(members.length)}`
        : `${count(ended)} of ${count(members.length)}`,
    leadsTo: broken ?? own?.name ?? members[0] ?? name,
  };
}
