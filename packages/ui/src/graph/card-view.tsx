import { memo, useMemo, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { StepStatus } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import { runHref } from '../address/links.js';
import { useSeconds } from '../data/clock.js';
import { useRunName, useStep, useVersion, type LiveRun } from '../data/live-run.js';
import { count, duration, elapsed } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { statusColour, statusWord } from '../design/status.js';
import { StatusShape } from '../design/status-icon.js';
import { CARD_HEIGHT, CARD_WIDTH } from './arrange.js';
import { groupStatus, type Card } from './cards.js';
import { fitText, textWidth } from './fit-text.js';
import { NAME_FONT, NOTE_FONT } from './fonts.js';
import styles from './graph.module.css';

export interface CardProps {
  readonly live: LiveRun;
  readonly card: Card;
  readonly number: number;
  readonly x: number;
  readonly y: number;
  readonly selected: boolean;
  readonly focusable: boolean;
  readonly dimmed: boolean;
  /** Text is left out where it could not be read. */
  readonly far: boolean;
  readonly onSelect: (number: number) => void;
}

/** A step of the graph. It draws itself again when its own step changes, and at nothing else. */
export const CardView = memo(function CardView(props: CardProps) {
  return props.card.kind === 'step' ? <StepCard {...props} /> : <GroupCard {...props} />;
});

function StepCard(props: CardProps) {
  const step = useStep(props.live, props.card.name);
  const status = step?.status ?? 'created';
  const lost = props.live.view.status === 'lost';
  const now = useSeconds(status === 'running' && !lost);
  const producer = status === 'cached' ? step?.cachedFrom : undefined;
  const from = useRunName(props.live, producer);
  const note = step === undefined ? '' : noteOf(step, now, { lost, from });
  return (
    <Frame
      {...props}
      status={status}
      label={`${props.card.name} ${statusWord(status)}${note === '' ? '' : ` · ${note}`}`}
      beside={
        producer === undefined || props.far ? null : (
          // Not inside of the card, which is a button itself. The step's panel has it for the keyboard.
          <Link
            href={runHref(producer, { step: props.card.name })}
            className={styles.link ?? ''}
            tabIndex={-1}
            aria-label={`${props.card.name}: the run it was taken from, ${from}`}
          >
            <text x={36 + textWidth(`${statusWord(status)} `, NOTE_FONT)} y={38} className={styles.note}>
              {fitText(`· ${note}`, CARD_WIDTH - 52 - textWidth(statusWord(status), NOTE_FONT), NOTE_FONT)}
            </text>
          </Link>
        )
      }
    >
      {props.far ? null : (
        <>
          <Name {...props} width={CARD_WIDTH - 48} />
          <text x={36} y={38} className={styles.note}>
            <tspan fill={statusColour(status)}>{statusWord(status)}</tspan>
            {note === '' || producer !== undefined ? (
              ''
            ) : (
              <tspan>
                {' '}
                {fitText(`· ${note}`, CARD_WIDTH - 52 - textWidth(statusWord(status), NOTE_FONT), NOTE_FONT)}
              </tspan>
            )}
          </text>
        </>
      )}
    </Frame>
  );
}

function GroupCard(props: CardProps) {
  const { live, card } = props;
  const version = useVersion(live);
  const counts = useMemo(() => countMembers(live, card), [version, live, card]);
  const own = card.kind === 'mapped' ? live.step(card.name) : undefined;
  const status =
    own !== undefined && (own.status === 'failed' || own.status === 'aborted' || own.status === 'skipped')
      ? own.status
      : groupStatus(counts);
  const total = card.members.length;
  const ended = (counts.completed ?? 0) + (counts.cached ?? 0);
  const failed = counts.failed ?? 0;
  const note =
    failed > 0 ? `${count(failed)} failed of ${count(total)}` : `${count(ended)} of ${count(total)}`;
  const badge = `×${count(total)}`;
  return (
    <Frame
      {...props}
      status={status}
      stacked
      label={`${card.name} ×${count(total)} ${statusWord(status)} · ${note}`}
    >
      {props.far ? null : (
        <>
          <Name {...props} width={CARD_WIDTH - 60 - badge.length * 7} />
          <text x={CARD_WIDTH - 12} y={21} className={styles.badge}>
            {`${badge} `}
          </text>
          <text x={36} y={36} className={styles.note}>
            <tspan fill={statusColour(status)}>{statusWord(status)}</tspan>
            <tspan> · {note}</tspan>
          </text>
        </>
      )}
      <StatusStrip counts={counts} total={total} />
    </Frame>
  );
}

function Name(props: CardProps & { readonly width: number }) {
  return (
    <text x={36} y={21} className={styles.name}>
      {/* The blank keeps the words apart where they are read as one text. */}
      {`${fitText(props.card.name, props.width, NAME_FONT)} `}
    </text>
  );
}

function Frame(
  props: CardProps & {
    readonly status: StepStatus;
    readonly label: string;
    readonly stacked?: boolean;
    readonly beside?: ReactNode;
    readonly children: ReactNode;
  },
) {
  const { card, number, status } = props;
  const relations = `${card.parents.length} before, ${card.children.length} after`;
  return (
    <g transform={`translate(${props.x} ${props.y})`} className={cx(props.dimmed && styles.dimmed)}>
      <g
        id={`card-${number}`}
        role="button"
        aria-label={`${props.label}; ${relations}`}
        aria-pressed={props.selected}
        tabIndex={props.focusable ? 0 : -1}
        className={cx(styles.card, styles[status], props.selected && styles.selected)}
        onClick={() => props.onSelect(number)}
      >
        {props.stacked === true ? (
          <rect x={5} y={-4} width={CARD_WIDTH - 10} height={CARD_HEIGHT} rx={8} className={styles.behind} />
        ) : null}
        <rect width={CARD_WIDTH} height={CARD_HEIGHT} rx={8} className={styles.box} />
        {props.far ? (
          <rect width={8} height={CARD_HEIGHT} rx={4} fill={statusColour(status)} />
        ) : (
          <svg
            x={12}
            y={8}
            width={16}
            height={16}
            viewBox="0 0 16 16"
            style={{ color: statusColour(status) }}
          >
            <StatusShape status={status} />
          </svg>
        )}
        {props.children}
      </g>
      {props.beside}
    </g>
  );
}

const STRIP_ORDER = [
  'completed',
  'cached',
  'failed',
  'aborted',
  'running',
  'queued',
  'skipped',
  'created',
] as const;

function StatusStrip(props: {
  readonly counts: Partial<Record<StepStatus, number>>;
  readonly total: number;
}) {
  const width = CARD_WIDTH - 24;
  let x = 12;
  return (
    <g aria-hidden="true">
      {STRIP_ORDER.map((status) => {
        const value = props.counts[status] ?? 0;
        if (value === 0) return null;
        const part = (value / Math.max(1, props.total)) * width;
        const rect = (
          <rect
            key={status}
            x={x}
            y={CARD_HEIGHT - 9}
            width={Math.max(1.5, part - 0.5)}
            height={4}
            rx={1}
            fill={statusColour(status)}
            opacity={status === 'created' || status === 'skipped' ? 0.3 : 1}
          />
        );
        x += part;
        return rect;
      })}
    </g>
  );
}

function countMembers(live: LiveRun, card: Card): Partial<Record<StepStatus, number>> {
  const counts: Partial<Record<StepStatus, number>> = {};
  for (const name of card.members) {
    const status = live.step(name)?.status ?? 'created';
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

function noteOf(
  step: StepView,
  now: number,
  { lost, from }: { readonly lost: boolean; readonly from: string },
): string {
  const tries = step.attempts > 1 ? ` · attempt ${step.attempts}` : '';
  switch (step.status) {
    case 'running':
      if (lost) return 'interrupted';
      return step.attemptStartedAt === undefined
        ? ''
        : `${elapsed(now - Date.parse(step.attemptStartedAt))}${tries}`;
    case 'cached':
      return from === '' ? '' : `from ${from}`;
    case 'queued':
      return step.queue ?? '';
    case 'created':
    case 'skipped':
      return '';
    default:
      return step.durationMs === undefined ? '' : `${duration(step.durationMs)}${tries}`;
  }
}
