import { memo, useMemo } from 'react';
import { useVersion, type LiveRun } from '../data/live-run.js';
import { STEP_STATUSES, statusColour } from '../design/status.js';
import { CARD_HEIGHT, CARD_WIDTH, type Arrangement } from './arrange.js';
import { groupStatus, type CardGraph } from './cards.js';

/** Thousands of cards from afar: one path a status, for nothing but their colours can be seen. */
export const Silhouette = memo(function Silhouette(props: {
  readonly live: LiveRun;
  readonly graph: CardGraph;
  readonly at: Arrangement;
  readonly bright: ReadonlySet<number> | undefined;
}) {
  const { live, graph, at, bright } = props;
  const version = useVersion(live);
  const paths = useMemo(() => {
    const found = new Map<string, string[]>();
    for (const [number, card] of graph.cards.entries()) {
      const key = `${statusOf(live, card)} ${bright === undefined || bright.has(number) ? 1 : 0}`;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push(`M${at.xs[number]} ${at.ys[number]}h${CARD_WIDTH}v${CARD_HEIGHT}h-${CARD_WIDTH}Z`);
    }
    return found;
  }, [version, live, graph, at, bright]);
  return (
    <g aria-hidden="true">
      {STEP_STATUSES.flatMap((status) =>
        [1, 0].map((shine) => {
          const path = paths.get(`${status} ${shine}`);
          return path === undefined ? null : (
            <path
              key={`${status}${shine}`}
              d={path.join('')}
              fill={statusColour(status)}
              opacity={(shine === 1 ? 1 : 0.3) * (status === 'created' || status === 'skipped' ? 0.45 : 0.85)}
            />
          );
        }),
      )}
    </g>
  );
});

function statusOf(live: LiveRun, card: CardGraph['cards'][number]) {
  if (card.kind === 'step') return live.step(card.name)?.status ?? 'created';
  const counts: Record<string, number> = {};
  for (const name of card.members) {
    const status = live.step(name)?.status ?? 'created';
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return groupStatus(counts);
}
