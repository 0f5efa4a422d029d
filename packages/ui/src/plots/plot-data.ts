/** What `reportHistogram` and its like store, checked: it comes from a file that anybody may have written. */
export type PlotData =
  | {
      readonly kind: 'bars';
      readonly groups: readonly (readonly number[])[];
      readonly labels: readonly string[];
      readonly xLabels: readonly string[];
      readonly xAxis: string;
      readonly yAxis: string;
    }
  | {
      readonly kind: 'points';
      readonly sets: readonly PointSet[];
      readonly xAxis: string;
      readonly yAxis: string;
    }
  | {
      readonly kind: 'matrix';
      readonly rows: readonly (readonly number[])[];
      readonly xLabels: readonly string[];
      readonly yLabels: readonly string[];
      readonly xAxis: string;
      readonly yAxis: string;
    }
  /** Nothing that we draw. */
  | { readonly kind: 'other' };

export interface PointSet {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly labels: readonly string[];
  readonly lines: boolean;
  readonly markers: boolean;
}

type Bag = Readonly<Record<string, unknown>>;
const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const numbers = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.map((each) => (typeof each === 'number' ? each : Number.NaN)) : [];
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map((each) => (typeof each === 'string' ? each : String(each))) : [];
const text = (value: unknown): string =>
  typeof value === 'string' ? value : isBag(value) && typeof value['text'] === 'string' ? value['text'] : '';
const other: PlotData = { kind: 'other' };

export function plotData(plot: string, value: unknown): PlotData {
  if (!isBag(value)) return other;
  const axes = { xAxis: text(value['xAxis']), yAxis: text(value['yAxis']) };
  switch (plot) {
    case 'histogram': {
      const groups = Array.isArray(value['values']) ? value['values'].map(numbers) : [];
      return groups.length === 0
        ? other
        : { kind: 'bars', groups, labels: texts(value['labels']), xLabels: texts(value['xLabels']), ...axes };
    }
    case 'scatter':
    case 'line': {
      const points = pairs(value['points']);
      const mode = text(value['mode']);
      return {
        kind: 'points',
        sets: [
          {
            name: '',
            points,
            labels: texts(value['labels']),
            lines: plot === 'line',
            markers: mode !== 'lines',
          },
        ],
        ...axes,
      };
    }
    case 'confusion-matrix': {
      const rows = Array.isArray(value['matrix']) ? value['matrix'].map(numbers) : [];
      return rows.length === 0
        ? other
        : {
            kind: 'matrix',
            rows,
            xLabels: texts(value['xLabels']),
            yLabels: texts(value['yLabels']),
            ...axes,
          };
    }
    default:
      return figure(value);
  }
}

const pairs = (value: unknown): readonly (readonly [number, number])[] =>
  Array.isArray(value)
    ? value
        .map(numbers)
        .flatMap(([x, y]) =>
          x === undefined || y === undefined || !Number.isFinite(x) || !Number.isFinite(y)
            ? []
            : [[x, y] as const],
        )
    : [];

/** A figure as Plotly describes it: lines, points, bars and heat maps of it. */
function figure(value: Bag): PlotData {
  const traces = Array.isArray(value['data']) ? value['data'].filter(isBag) : [];
  const layout = isBag(value['layout']) ? value['layout'] : {};
  const title = (axis: unknown): string => (isBag(axis) ? text(axis['title']) : '');
  const axes = { xAxis: title(layout['xaxis']), yAxis: title(layout['yaxis']) };
  const type = (trace: Bag): string => (typeof trace['type'] === 'string' ? trace['type'] : 'scatter');
  if (traces.length === 0) return other;
  if (traces.every((trace) => type(trace) === 'scatter' || type(trace) === 'scattergl'))
    return {
      kind: 'points',
      sets: traces.map((trace) => {
        const ys = numbers(trace['y']);
        const xs = Array.isArray(trace['x']) ? numbers(trace['x']) : ys.map((_, index) => index);
        const mode = text(trace['mode']) || 'lines';
        return {
          name: text(trace['name']),
          points: pairs(xs.map((x, index) => [x, ys[index] ?? Number.NaN])),
          labels: texts(trace['text']),
          lines: mode.includes('lines'),
          markers: mode.includes('markers'),
        };
      }),
      ...axes,
    };
  if (traces.every((trace) => type(trace) === 'bar'))
    return {
      kind: 'bars',
      groups: traces.map((trace) => numbers(trace['y'])),
      labels: traces.map((trace) => text(trace['name'])),
      xLabels: texts(traces[0]?.['x']),
      ...axes,
    };
  const [only] = traces;
  if (traces.length === 1 && only !== undefined && type(only) === 'heatmap' && Array.isArray(only['z']))
    return {
      kind: 'matrix',
      rows: only['z'].map(numbers),
      xLabels: texts(only['x']),
      yLabels: texts(only['y']),
      ...axes,
    };
  return other;
}
