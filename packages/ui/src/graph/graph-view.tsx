import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
} from 'react';
import { useShape, useVersion, type LiveRun } from '../data/live-run.js';
import type { StepFilter } from '../data/step-filter.js';
import { count } from '../design/amounts.js';
import { IconButton } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { FitIcon, MinusIcon, PlusIcon } from '../design/icons.js';
import { useKeys } from '../keyboard/keys.js';
import { CARD_HEIGHT, CARD_WIDTH } from './arrange.js';
import { cardGraphOf, type CardGraph } from './cards.js';
import { CardView } from './card-view.js';
import { neighbour, relatives } from './relatives.js';
import { Silhouette } from './silhouette.js';
import { useArrangement, type Arranged } from './use-arrangement.js';
import { centre, contains, filled, fit, reveal, seen, zoom, type Box, type Viewport } from './viewport.js';
import styles from './graph.module.css';

export interface GraphViewProps {
  readonly live: LiveRun;
  readonly filter: StepFilter;
  readonly step: string | undefined;
  readonly onSelect: (step: string | undefined, options?: { readonly replace?: boolean }) => void;
}

/** The steps and what depends on what. Pans and zooms without drawing anew; draws only what is near. */
export function GraphView(props: GraphViewProps) {
  const { live } = props;
  const shape = useShape(live);
  const graph = useMemo(() => cardGraphOf(live.view, shape), [shape, live]);
  const arranged = useArrangement(graph);
  if (arranged === undefined) return <Loading what="the graph" />;
  return <Canvas {...props} arranged={arranged} />;
}

/** A graph that is larger than the screen at this size is not shown whole at first. */
const READABLE = 0.5;
/** Text below this size cannot be read. */
const FAR = 0.42;
/** So many cards at once are drawn as silhouettes, when they are that small. */
const CROWD = 260;
/** How much around the screen is drawn too, in screens. */
const AROUND = 0.4;

function Canvas(props: GraphViewProps & { readonly arranged: Arranged }) {
  const { live, arranged, step, onSelect, filter } = props;
  const { graph, at } = arranged;
  const screen = useRef<HTMLDivElement>(null);
  const world = useRef<SVGGElement>(null);
  const viewport = useRef<Viewport>({ x: 0, y: 0, k: 1 });
  const placed = useRef<Arranged | undefined>(undefined);
  const [drawn, setDrawn] = useState<{ readonly box: Box; readonly k: number }>();
  const selected = step === undefined ? undefined : graph.of.get(step);
  const [focused, setFocused] = useState(0);
  const focus = Math.min(selected ?? focused, graph.cards.length - 1);

  const size = useCallback(() => {
    const element = screen.current;
    return { width: element?.clientWidth ?? 0, height: element?.clientHeight ?? 0 };
  }, []);
  const show = useCallback(
    (next: Viewport) => {
      viewport.current = next;
      world.current?.setAttribute('transform', `translate(${next.x} ${next.y}) scale(${next.k})`);
      setDrawn((before) => {
        const visible = seen(next, size(), 0);
        const sameLevel = before !== undefined && level(before.k) === level(next.k);
        if (sameLevel && contains(before.box, visible)) return before;
        return { box: seen(next, size(), AROUND), k: next.k };
      });
    },
    [size],
  );
  const boxOf = useCallback(
    (card: number): Box => {
      const left = at.xs[card] ?? 0;
      const top = at.ys[card] ?? 0;
      return { left, top, right: left + CARD_WIDTH, bottom: top + CARD_HEIGHT };
    },
    [at],
  );
  const fitAll = useCallback(() => show(fit(at, size())), [at, show, size]);
  const zoomBy = useCallback(
    (factor: number) => {
      const { width, height } = size();
      show(zoom(viewport.current, factor, { x: width / 2, y: height / 2 }));
    },
    [show, size],
  );

  useLayoutEffect(() => {
    // The first time all of it, or the chosen step; afterwards it stays where the reader has it.
    if (placed.current === undefined) {
      const whole = fit(at, size());
      const near = { ...whole, k: Math.max(whole.k, READABLE) };
      const first = selected ?? whereToLook(live, graph);
      show(whole.k >= READABLE ? whole : filled(centre(near, boxOf(first), size()), at, size()));
    } else if (placed.current !== arranged) show(viewport.current);
    placed.current = arranged;
  }, [arranged, at, boxOf, graph, live, selected, show, size]);
  useEffect(() => {
    if (selected === undefined) return;
    // Below this nothing could be read of what was chosen.
    const view = viewport.current;
    show(
      view.k < 0.3
        ? centre({ ...view, k: 0.85 }, boxOf(selected), size())
        : reveal(view, boxOf(selected), size()),
    );
  }, [selected, boxOf, show, size]);
  useEffect(() => {
    const element = screen.current;
    if (element === null) return undefined;
    let { width, height } = size();
    const observer = new ResizeObserver(() => {
      const now = size();
      if (now.width === width && now.height === height) return;
      ({ width, height } = now);
      show(viewport.current);
      const chosen = element.querySelector('[aria-pressed="true"]');
      if (chosen !== null)
        show(reveal(viewport.current, boxOf(Number(chosen.id.slice('card-'.length))), now));
    });
    observer.observe(element);
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (event.ctrlKey || event.metaKey) {
        const factor = Math.exp(-event.deltaY * unit * 0.01);
        show(
          zoom(viewport.current, Math.min(1.6, Math.max(0.6, factor)), {
            x: event.clientX - box.left,
            y: event.clientY - box.top,
          }),
        );
        return;
      }
      const { x, y, k } = viewport.current;
      const sideways = event.shiftKey && event.deltaX === 0;
      show({
        k,
        x: x - (sideways ? event.deltaY : event.deltaX) * unit,
        y: y - (sideways ? 0 : event.deltaY) * unit,
      });
    };
    // React's own wheel listeners are passive: they could not keep the page from zooming.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener('wheel', wheel);
    };
  }, [boxOf, show, size]);

  const drag = usePan(viewport, show);
  const choose = useCallback(
    (number: number) => {
      const card = graph.cards[number];
      if (card === undefined || drag.moved.current) return;
      setFocused(number);
      onSelect(card.name);
    },
    [graph, onSelect, drag.moved],
  );
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const card = graph.cards[focus];
      if (card !== undefined) onSelect(card.name);
      return;
    }
    const next = neighbour(graph, at, focus, event.key);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setFocused(next);
    // With a step open the arrows go from step to step.
    if (step !== undefined) onSelect(graph.cards[next]!.name, { replace: true });
    show(reveal(viewport.current, boxOf(next), size()));
    requestAnimationFrame(() => document.getElementById(`card-${next}`)?.focus({ preventScroll: true }));
  };
  useKeys({
    '+': () => zoomBy(1.25),
    '=': () => zoomBy(1.25),
    '-': () => zoomBy(0.8),
    '0': fitAll,
  });

  const related = useMemo(
    () => (selected === undefined ? undefined : relatives(graph, selected)),
    [graph, selected],
  );
  const matching = useMatching(live, graph, filter);
  const bright = useMemo(() => {
    if (related === undefined) return matching;
    return matching === undefined
      ? related.cards
      : new Set([...related.cards].filter((card) => matching.has(card)));
  }, [related, matching]);
  const highlighted = useMemo(
    () => (related === undefined ? '' : related.edges.map((edge) => at.edges[edge] ?? '').join('')),
    [related, at],
  );
  const visible = useMemo(() => {
    if (drawn === undefined) return [];
    const { box } = drawn;
    const found: number[] = [];
    for (let card = 0; card < graph.cards.length; card++) {
      const x = at.xs[card] ?? 0;
      const y = at.ys[card] ?? 0;
      if (x < box.right && y < box.bottom && x + CARD_WIDTH > box.left && y + CARD_HEIGHT > box.top)
        found.push(card);
    }
    return found;
  }, [drawn, graph, at]);
  const far = drawn !== undefined && drawn.k < FAR;
  const crowd = far && visible.length > CROWD;
  const shown = crowd ? visible.filter((card) => card === focus || card === selected) : visible;
  if (!shown.includes(focus)) shown.push(focus);

  return (
    <div className={styles.graph}>
      <div ref={screen} className={styles.screen} {...drag.handlers}>
        <svg
          className={styles.svg}
          role="group"
          aria-label={`Graph of ${count(live.view.steps.size)} steps. Arrows follow its edges; the table has the same steps.`}
          onKeyDown={onKeyDown}
          onClick={(event) => {
            if (event.target === event.currentTarget && !drag.moved.current) onSelect(undefined);
          }}
        >
          <g ref={world}>
            <path d={at.path} className={cx(styles.edges, related !== undefined && styles.faded)} />
            {highlighted === '' ? null : <path d={highlighted} className={styles.highlighted} />}
            {crowd ? <Silhouette live={live} graph={graph} at={at} bright={bright} /> : null}
            {shown.map((number) => {
              const card = graph.cards[number];
              return card === undefined ? null : (
                <CardView
                  key={card.name}
                  live={live}
                  card={card}
                  number={number}
                  x={at.xs[number] ?? 0}
                  y={at.ys[number] ?? 0}
                  selected={number === selected}
                  focusable={number === focus}
                  dimmed={bright !== undefined && !bright.has(number)}
                  far={far}
                  onSelect={choose}
                />
              );
            })}
          </g>
          {crowd ? (
            // From afar a click has no card of its own to fall upon.
            <rect
              width="100%"
              height="100%"
              fill="transparent"
              onClick={(event) => {
                if (drag.moved.current) return;
                const box = event.currentTarget.getBoundingClientRect();
                const { x, y, k } = viewport.current;
                const hit = cardAt(
                  arranged,
                  (event.clientX - box.left - x) / k,
                  (event.clientY - box.top - y) / k,
                );
                if (hit === undefined) onSelect(undefined);
                else choose(hit);
              }}
            />
          ) : null}
        </svg>
      </div>
      {matching?.size === 0 ? (
        <div className={styles.nothing}>
          <EmptyState title="No step is like that" small live>
            The filter leaves none of {count(live.view.steps.size)} steps.
          </EmptyState>
        </div>
      ) : null}
      <div className={styles.zoom} role="group" aria-label="Size of the graph">
        <IconButton label="Smaller" keys="-" onClick={() => zoomBy(0.8)}>
          <MinusIcon />
        </IconButton>
        <IconButton label="Larger" keys="+" onClick={() => zoomBy(1.25)}>
          <PlusIcon />
        </IconButton>
        <IconButton label="Show everything" keys="0" onClick={fitAll}>
          <FitIcon />
        </IconButton>
      </div>
    </div>
  );
}

/** The first failure, else what runs, else where it begins. */
function whereToLook(live: LiveRun, graph: CardGraph): number {
  let running: number | undefined;
  for (const { name, status } of live.view.steps.values()) {
    if (status === 'failed') return graph.of.get(name) ?? 0;
    if (status === 'running') running ??= graph.of.get(name);
  }
  return running ?? 0;
}

const level = (k: number): string => (k < FAR ? 'far' : 'near');

function cardAt({ graph, at }: Arranged, x: number, y: number): number | undefined {
  for (let card = 0; card < graph.cards.length; card++) {
    const left = at.xs[card] ?? 0;
    const top = at.ys[card] ?? 0;
    if (x >= left && y >= top && x <= left + CARD_WIDTH && y <= top + CARD_HEIGHT) return card;
  }
  return undefined;
}

/** The cards that the filter leaves; undefined: all of them. */
function useMatching(live: LiveRun, graph: CardGraph, filter: StepFilter): ReadonlySet<number> | undefined {
  const version = useVersion(live);
  return useMemo(() => {
    if (filter.isEmpty) return undefined;
    const found = new Set<number>();
    for (const step of live.view.steps.values()) {
      const card = graph.of.get(step.name);
      if (card !== undefined && filter.matches(step)) found.add(card);
    }
    return found;
  }, [version, live, graph, filter]);
}

/** Dragging moves the picture. `moved`: the click that ends a drag is none. */
function usePan(viewport: { readonly current: Viewport }, show: (next: Viewport) => void) {
  const from = useRef<{ readonly x: number; readonly y: number; readonly view: Viewport } | undefined>(
    undefined,
  );
  const moved = useRef(false);
  return {
    moved,
    handlers: {
      onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
        if (event.button !== 0) return;
        moved.current = false;
        from.current = { x: event.clientX, y: event.clientY, view: viewport.current };
      },
      onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
        const start = from.current;
        if (start === undefined) return;
        const dx = event.clientX - start.x;
        const dy = event.clientY - start.y;
        if (!moved.current && Math.abs(dx) + Math.abs(dy) < 4) return;
        if (!moved.current) event.currentTarget.setPointerCapture(event.pointerId);
        moved.current = true;
        show({ ...start.view, x: start.view.x + dx, y: start.view.y + dy });
      },
      onPointerUp: () => {
        from.current = undefined;
        // The click comes after this.
        setTimeout(() => (moved.current = false));
      },
      onPointerCancel: () => {
        from.current = undefined;
        moved.current = false;
      },
    },
  };
}
