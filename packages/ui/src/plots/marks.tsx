import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { count, metric } from '../design/amounts.js';
import type { PlotData } from './plot-data.js';
import { linearScale, type Scale } from './scale.js';
import { seriesColour } from './scalar-chart.js';
import styles from './plots.module.css';

const HEIGHT = 260;
const LEFT = 52;
const BOTTOM = 40;
const TOP = 10;
const RIGHT = 10;
/** Beyond this many points a picture gains nothing and costs a browser. */
const MOST_POINTS = 5000;

/** Bars, points, lines and matrices as SVG: few parts, so that they can be looked at and read aloud. */
export function Mark(props: {
  readonly data: Exclude<PlotData, { readonly kind: 'other' }>;
  readonly title: string;
}) {
  const [width, setWidth] = useState(480);
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return <div ref={root}>{drawn({ ...props, width })}</div>;
}

function drawn({ data, title, width }: Parameters<typeof Mark>[0] & { readonly width: number }): ReactNode {
  switch (data.kind) {
    case 'bars':
      return <Bars data={data} title={title} width={width} />;
    case 'points':
      return <Points data={data} title={title} width={width} />;
    case 'matrix':
      return <Matrix data={data} title={title} />;
    default:
      return data satisfies never;
  }
}

type Of<Kind> = {
  readonly data: Extract<PlotData, { readonly kind: Kind }>;
  readonly title: string;
  /** Pixels that there are: text keeps its size. */
  readonly width: number;
};

function Bars({ data, title, width }: Of<'bars'>) {
  const size = Math.max(0, ...data.groups.map((group) => group.length));
  const y = linearScale(data.groups.flat(), [HEIGHT - BOTTOM, TOP], { about: 5, zero: true });
  const band = (width - LEFT - RIGHT) / Math.max(1, size);
  const bar = (band * 0.8) / Math.max(1, data.groups.length);
  const every = Math.max(1, Math.ceil(size / Math.max(2, Math.floor(width / 56))));
  return (
    <>
      <Legend names={data.labels} />
      <Frame
        width={width}
        label={`${title}: ${count(size)} bars`}
        y={y}
        xAxis={data.xAxis}
        yAxis={data.yAxis}
      >
        {data.groups.map((group, at) =>
          group.map((value, index) =>
            Number.isFinite(value) ? (
              <rect
                key={`${at} ${index}`}
                x={LEFT + index * band + band * 0.1 + at * bar}
                y={Math.min(y.at(0), y.at(value))}
                width={Math.max(0.5, bar - (bar > 4 ? 1 : 0))}
                height={Math.abs(y.at(0) - y.at(value))}
                fill={`var(${seriesColour(at)})`}
              >
                <title>{`${data.labels[at] ?? ''} ${data.xLabels[index] ?? index}: ${metric(value)}`}</title>
              </rect>
            ) : null,
          ),
        )}
        {Array.from({ length: size }, (_, index) =>
          index % every === 0 ? (
            <text
              key={index}
              x={LEFT + (index + 0.5) * band}
              y={HEIGHT - BOTTOM + 14}
              className={styles.tick}
              textAnchor="middle"
            >
              {short(data.xLabels[index] ?? String(index))}
            </text>
          ) : null,
        )}
      </Frame>
    </>
  );
}

function Points({ data, title, width }: Of<'points'>) {
  const sets = data.sets.map((set) => ({
    ...set,
    points: set.points.length > MOST_POINTS ? thinned(set.points) : set.points,
  }));
  const total = data.sets.reduce((sum, { points }) => sum + points.length, 0);
  const all = sets.flatMap(({ points }) => points);
  const x = linearScale(
    all.map(([value]) => value),
    [LEFT, width - RIGHT],
    { about: 6 },
  );
  const y = linearScale(
    all.map(([, value]) => value),
    [HEIGHT - BOTTOM, TOP],
    { about: 5 },
  );
  return (
    <>
      <Legend names={sets.map(({ name }) => name)} />
      <Frame
        width={width}
        label={`${title}: ${count(total)} points`}
        x={x}
        y={y}
        xAxis={data.xAxis}
        yAxis={data.yAxis}
      >
        {sets.map((set, at) => (
          <g key={at} style={{ color: `var(${seriesColour(at)})` }}>
            {set.lines ? (
              <path
                d={set.points
                  .map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${round(x.at(px))} ${round(y.at(py))}`)
                  .join('')}
                fill="none"
                stroke="currentColor"
                strokeWidth="1.75"
              />
            ) : null}
            {set.markers
              ? set.points.map(([px, py], index) => (
                  <circle
                    key={index}
                    cx={round(x.at(px))}
                    cy={round(y.at(py))}
                    r={all.length > 800 ? 1.5 : 3}
                    fill="currentColor"
                    fillOpacity="0.7"
                  >
                    <title>{`${set.labels[index] ?? ''} ${metric(px)}, ${metric(py)}`.trim()}</title>
                  </circle>
                ))
              : null}
          </g>
        ))}
      </Frame>
    </>
  );
}

function Matrix({ data, title }: Omit<Of<'matrix'>, 'width'>) {
  const columns = Math.max(1, ...data.rows.map((row) => row.length));
  const most = Math.max(
    1e-12,
    ...data.rows.flat().map((value) => (Number.isFinite(value) ? Math.abs(value) : 0)),
  );
  return (
    <div className={styles.matrixBox} tabIndex={0} role="region" aria-label={title}>
      <table className={styles.matrix}>
        <caption className={styles.axes}>
          {data.yAxis === '' ? 'rows' : data.yAxis} by {data.xAxis === '' ? 'columns' : data.xAxis}
        </caption>
        <thead>
          <tr>
            <td />
            {Array.from({ length: columns }, (_, at) => (
              <th key={at} scope="col" title={data.xLabels[at]}>
                {short(data.xLabels[at] ?? String(at))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row, at) => (
            <tr key={at}>
              <th scope="row" title={data.yLabels[at]}>
                {short(data.yLabels[at] ?? String(at))}
              </th>
              {row.map((value, column) => (
                <td
                  key={column}
                  style={{
                    background: `color-mix(in oklab, var(--accent) ${Math.round((Math.abs(value) / most) * 38)}%, var(--surface))`,
                  }}
                >
                  {metric(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Frame(props: {
  readonly label: string;
  readonly width: number;
  readonly x?: Scale;
  readonly y: Scale;
  readonly xAxis: string;
  readonly yAxis: string;
  readonly children: ReactNode;
}) {
  return (
    <svg viewBox={`0 0 ${props.width} ${HEIGHT}`} className={styles.mark} role="img" aria-label={props.label}>
      {props.y.ticks.map((tick) => (
        <g key={tick}>
          <line
            x1={LEFT}
            x2={props.width - RIGHT}
            y1={props.y.at(tick)}
            y2={props.y.at(tick)}
            className={styles.grid}
          />
          <text x={LEFT - 6} y={props.y.at(tick) + 4} className={styles.tick} textAnchor="end">
            {metric(tick)}
          </text>
        </g>
      ))}
      {props.x?.ticks.map((tick) => (
        <text
          key={tick}
          x={props.x!.at(tick)}
          y={HEIGHT - BOTTOM + 14}
          className={styles.tick}
          textAnchor="middle"
        >
          {metric(tick)}
        </text>
      ))}
      {props.children}
      <text x={(LEFT + props.width - RIGHT) / 2} y={HEIGHT - 6} className={styles.axis} textAnchor="middle">
        {props.xAxis}
      </text>
      <text
        transform={`translate(11 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`}
        className={styles.axis}
        textAnchor="middle"
      >
        {props.yAxis}
      </text>
    </svg>
  );
}

function Legend({ names }: { readonly names: readonly string[] }) {
  const named = names.filter((name) => name !== '');
  if (named.length < 2) return null;
  return (
    <ul className={styles.legend}>
      {names.map((name, at) => (
        <li key={at} className={styles.entry}>
          <span className={styles.swatch} style={{ background: `var(${seriesColour(at)})` }} />
          <span className={styles.seriesName}>{name}</span>
        </li>
      ))}
    </ul>
  );
}

const thinned = (points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] => {
  const step = points.length / MOST_POINTS;
  return Array.from({ length: MOST_POINTS }, (_, index) => points[Math.floor(index * step)]!);
};
const short = (label: string): string => (label.length > 14 ? `${label.slice(0, 13)}…` : label);
const round = (value: number): number => Math.round(value * 10) / 10;
