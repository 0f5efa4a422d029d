import { useEffect, useRef, useState } from 'react';
import type uPlot from 'uplot';
import { metric } from '../design/amounts.js';
import { resolvedColour, useSchemeChange } from './colours.js';
import { aligned, smoothed, type Series } from './scalar-series.js';
import styles from './plots.module.css';

const HEIGHT = 220;
const COLOURS = 8;
export const seriesColour = (index: number): string => `--series-${(index % COLOURS) + 1}`;

/** Lines over iterations. Charts with the same `sync` show the same iteration under the cursor. */
export function ScalarChart(props: {
  readonly title: string;
  readonly series: readonly Series[];
  readonly smoothing: number;
  readonly log: boolean;
  readonly sync: string;
}) {
  const { title, series, smoothing, log, sync } = props;
  const root = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const scheme = useSchemeChange();
  const names = series.map(({ name }) => name).join('\n');
  // With smoothing the values themselves stay, faint, behind the smoothed lines.
  const lines =
    smoothing > 0
      ? [...series, ...series.map((one) => ({ ...one, ys: smoothed(one.ys, smoothing) }))]
      : series;

  useEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    let left = false;
    let observer: ResizeObserver | undefined;
    void loadPlot().then((Plot) => {
      if (left) return;
      const line = resolvedColour(element, '--line');
      const muted = resolvedColour(element, '--muted');
      const surface = resolvedColour(element, '--surface');
      const axis = {
        stroke: muted,
        font: '11px Inter, system-ui, sans-serif',
        grid: { stroke: line, width: 1 },
        ticks: { stroke: line, width: 1, size: 4 },
      };
      const isSmoothed = smoothing > 0;
      const { xs, ys } = aligned(lines);
      const plot = new Plot(
        {
          width: Math.max(200, element.clientWidth),
          height: HEIGHT,
          padding: [8, 12, 0, 0],
          legend: { show: false },
          cursor: {
            // uPlot keeps them as properties of an object: a step may be called `constructor`.
            sync: { key: `chart ${sync}` },
            points: { size: 7, fill: surface },
            drag: { x: true, y: false },
          },
          // Of one value alone uPlot makes an axis of its rounding errors.
          scales: {
            x: { time: false },
            y: log
              ? { distr: 3 }
              : {
                  range: (_, min, max) => {
                    const around = Math.abs(min) / 10 || 1;
                    return min === max ? [min - around, max + around] : Plot.rangeNum(min, max, 0.1, true);
                  },
                },
          },
          axes: [
            { ...axis, size: 30 },
            {
              ...axis,
              size: 54,
              values: (_, values) => values.map((value) => (value === null ? '' : metric(value))),
            },
          ],
          series: [
            {},
            ...lines.map((one, index) => {
              const faint = isSmoothed && index < series.length;
              const colour = resolvedColour(element, seriesColour(index % series.length));
              return {
                label: one.name,
                stroke: colour,
                width: faint ? 1 : 1.75,
                alpha: faint ? 0.25 : 1,
                spanGaps: true,
                show: !hidden.has(one.name),
                // One value alone has no line.
                points: { show: one.xs.length === 1, size: 6, fill: colour },
              };
            }),
          ],
        },
        [xs, ...ys],
        element,
      );
      chart.current = plot;
      aroundOne(plot, xs);
      observer = new ResizeObserver(() =>
        plot.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }),
      );
      observer.observe(element);
    });
    return () => {
      left = true;
      observer?.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
    // New values alone come in by the effect below.
  }, [names, smoothing > 0, log, sync, scheme, hidden]);

  useEffect(() => {
    const { xs, ys } = aligned(lines);
    chart.current?.setData([xs, ...ys]);
    if (chart.current !== undefined) aroundOne(chart.current, xs);
  });

  const words = series.map(({ name, ys }) => `${name} ${metric(ys.at(-1) ?? Number.NaN)}`).join(', ');
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <h3 title={title}>{title}</h3>
        <ul className={styles.legend}>
          {series.map(({ name, ys }, index) => (
            <li key={name}>
              <button
                type="button"
                aria-pressed={!hidden.has(name)}
                title={hidden.has(name) ? 'Show it' : 'Hide it'}
                className={styles.entry}
                onClick={() => {
                  const next = new Set(hidden);
                  if (!next.delete(name)) next.add(name);
                  setHidden(next);
                }}
              >
                <span className={styles.swatch} style={{ background: `var(${seriesColour(index)})` }} />
                <span className={styles.seriesName}>{name}</span>
                <span className={styles.last}>{metric(ys.at(-1) ?? Number.NaN)}</span>
              </button>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={root}
        className={styles.canvas}
        role="img"
        aria-label={`${title}: last values ${words}`}
        style={{ height: HEIGHT }}
      />
    </figure>
  );
}

/** One iteration alone stands in the middle; uPlot shows a hundred after it. */
function aroundOne(plot: uPlot, xs: readonly number[]): void {
  const [only] = xs;
  if (only !== undefined && xs.length === 1) plot.setScale('x', { min: only - 1, max: only + 1 });
}

async function loadPlot(): Promise<typeof uPlot> {
  const [{ default: Plot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
  return Plot;
}
