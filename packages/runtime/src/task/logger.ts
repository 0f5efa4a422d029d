import type { Report, StoredArtifact } from '@run-pipeline/core/model';
import { file } from '@run-pipeline/core/define';
import { imageType } from './image-type.js';
import {
  checkIteration,
  checkMatrix,
  checkName,
  checkOptions,
  checkPoints,
  checkTable,
  checkTexts,
  checkValues,
  type Table,
} from './report-checks.js';

/** Where a report belongs: plots of one title share a page, series of one title share a plot. */
export interface ReportPlace {
  readonly title: string;
  /** Default: the title. */
  readonly series?: string;
  /** Of a training loop, say. A whole number from 0; default 0. */
  readonly iteration?: number;
}

export interface Axes {
  readonly xAxis?: string;
  readonly yAxis?: string;
}

/**
 * Reports of a running step. They are sent as they happen, kept with the step, and come back when the
 * step is taken from the cache. Wrong input throws at once. What has to be stored first (tables, plots,
 * images) is stored in the background; the step's end waits for it.
 */
export interface TaskLogger {
  /** One point of a curve. A value that is not finite is left out, with a warning on stderr. */
  reportScalar(scalar: ReportPlace & { readonly value: number; readonly iteration: number }): void;
  /** One number for the whole task: an accuracy, a count. */
  reportSingleValue(name: string, value: number): void;
  /** A text (Markdown is for the reader, nothing interprets it here). */
  reportText(text: string, options?: { readonly title?: string }): void;
  /** `table`: a list of objects (their keys are the columns) or `{ columns, rows }`. */
  reportTable(table: ReportPlace & { readonly table: readonly object[] | Table }): void;
  /** `values`: the heights of the bars; several lists make several groups, named by `labels`. */
  reportHistogram(
    histogram: ReportPlace &
      Axes & {
        readonly values: ArrayLike<number> | readonly ArrayLike<number>[];
        readonly labels?: readonly string[];
        /** One for each bar. */
        readonly xLabels?: readonly string[];
      },
  ): void;
  /** `points`: `[x, y]` or `[x, y, z]`. */
  reportScatter(
    scatter: ReportPlace &
      Axes & {
        readonly points: readonly ArrayLike<number>[];
        /** One for each point. */
        readonly labels?: readonly string[];
        /** Default `markers`. */
        readonly mode?: 'markers' | 'lines' | 'lines+markers';
      },
  ): void;
  /** `matrix`: rows of equal length. */
  reportConfusionMatrix(
    confusion: ReportPlace &
      Axes & {
        readonly matrix: readonly ArrayLike<number>[];
        readonly xLabels?: readonly string[];
        readonly yLabels?: readonly string[];
      },
  ): void;
  /** A figure as Plotly describes it: `{ data, layout }`. */
  reportPlot(plot: ReportPlace & { readonly figure: object }): void;
  /** `image`: the bytes of a PNG, JPEG, GIF, WebP or SVG, or the path of such a file. */
  reportImage(image: ReportPlace & { readonly image: Uint8Array | string }): void;
  /** Sound or film: the bytes, or the path of a file. */
  reportMedia(media: ReportPlace & { readonly media: Uint8Array | string }): void;
}

/** What the logger hands its reports to, in order. */
export interface ReportSink {
  send(report: Report): void;
  /** Stores a value now; the report that refers to it is sent when that has happened. */
  sendStored(name: string, content: ReportContent, report: (stored: StoredArtifact) => Report): void;
}

export type ReportContent =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'image'; readonly bytes: Uint8Array; readonly mime: string };

export function createTaskLogger(sink: ReportSink): TaskLogger {
  const place = (call: string, at: ReportPlace): Required<ReportPlace> => {
    checkOptions(call, at);
    const title = checkName(call, 'title', at.title);
    const series = at.series === undefined ? title : checkName(call, 'series', at.series);
    return { title, series, iteration: checkIteration(call, at.iteration ?? 0) };
  };
  const plot = (
    call: string,
    kind: (Report & { kind: 'plot' })['plot'],
    at: ReportPlace,
    value: object,
  ): void => {
    const where = place(call, at);
    sink.sendStored(nameOf(where), { kind: 'value', value }, ({ record }) => ({
      kind: 'plot',
      plot: kind,
      ...where,
      artifact: record,
    }));
  };
  const content = (call: string, kind: 'image' | 'media', given: unknown): ReportContent => {
    if (typeof given === 'string' && given !== '') return { kind: 'value', value: file(given) };
    if (!(given instanceof Uint8Array)) {
      throw new TypeError(`${call}: \`${kind}\` must be bytes (Uint8Array) or the path of a file`);
    }
    if (kind === 'media') return { kind: 'value', value: given };
    const mime = imageType(given);
    if (mime === undefined)
      throw new TypeError(`${call}: \`image\` is not a PNG, JPEG, GIF, WebP, AVIF, BMP or SVG`);
    return { kind: 'image', bytes: given, mime };
  };

  return {
    reportScalar(scalar) {
      const where = place('reportScalar', scalar);
      if (scalar.iteration === undefined) throw new TypeError('reportScalar: `iteration` is missing');
      if (typeof scalar.value !== 'number') {
        throw new TypeError(`reportScalar: \`value\` must be a number, not ${describe(scalar.value)}`);
      }
      if (!Number.isFinite(scalar.value)) {
        warnNotFinite(`${where.title}/${where.series} at iteration ${where.iteration}`, scalar.value);
        return;
      }
      sink.send({ kind: 'scalar', ...where, value: scalar.value });
    },
    reportSingleValue(name, value) {
      checkName('reportSingleValue', 'name', name);
      if (typeof value !== 'number') {
        throw new TypeError(`reportSingleValue: \`value\` must be a number, not ${describe(value)}`);
      }
      if (Number.isFinite(value)) sink.send({ kind: 'single-value', name, value });
      else warnNotFinite(name, value);
    },
    reportText(text, options = {}) {
      if (typeof text !== 'string')
        throw new TypeError(`reportText: the text must be a string, not ${describe(text)}`);
      const { title } = options;
      sink.send({
        kind: 'text',
        text,
        ...(title !== undefined && { title: checkName('reportText', 'title', title) }),
      });
    },
    reportTable(table) {
      const where = place('reportTable', table);
      const value = checkTable('reportTable', table.table);
      sink.sendStored(nameOf(where), { kind: 'value', value }, ({ record }) => ({
        kind: 'table',
        ...where,
        artifact: record,
      }));
    },
    reportHistogram(histogram) {
      const call = 'reportHistogram';
      checkOptions(call, histogram);
      const groups = checkValues(call, histogram.values);
      const labels = checkTexts(call, 'labels', histogram.labels, groups.length);
      const xLabels = checkTexts(call, 'xLabels', histogram.xLabels, groups[0]?.length ?? 0);
      plot(call, 'histogram', histogram, {
        values: groups,
        ...given({ labels, xLabels }),
        ...axes(call, histogram),
      });
    },
    reportScatter(scatter) {
      const call = 'reportScatter';
      checkOptions(call, scatter);
      const points = checkPoints(call, scatter.points);
      const labels = checkTexts(call, 'labels', scatter.labels, points.length);
      const { mode = 'markers' } = scatter;
      if (!['markers', 'lines', 'lines+markers'].includes(mode)) {
        throw new TypeError(`${call}: \`mode\` must be markers, lines or lines+markers`);
      }
      plot(call, mode === 'markers' ? 'scatter' : 'line', scatter, {
        points,
        mode,
        ...given({ labels }),
        ...axes(call, scatter),
      });
    },
    reportConfusionMatrix(confusion) {
      const call = 'reportConfusionMatrix';
      checkOptions(call, confusion);
      const matrix = checkMatrix(call, confusion.matrix);
      const xLabels = checkTexts(call, 'xLabels', confusion.xLabels, matrix[0]?.length ?? 0);
      const yLabels = checkTexts(call, 'yLabels', confusion.yLabels, matrix.length);
      plot(call, 'confusion-matrix', confusion, {
        matrix,
        ...given({ xLabels, yLabels }),
        ...axes(call, confusion),
      });
    },
    reportPlot(custom) {
      checkOptions('reportPlot', custom);
      if (typeof custom.figure !== 'object' || custom.figure === null) {
        throw new TypeError(
          'reportPlot: `figure` must be an object, as Plotly describes it: { data, layout }',
        );
      }
      plot('reportPlot', 'custom', custom, custom.figure);
    },
    reportImage(image) {
      const where = place('reportImage', image);
      const stored = content('reportImage', 'image', image.image);
      sink.sendStored(nameOf(where), stored, ({ record }) => ({ kind: 'image', ...where, artifact: record }));
    },
    reportMedia(media) {
      const where = place('reportMedia', media);
      const stored = content('reportMedia', 'media', media.media);
      sink.sendStored(nameOf(where), stored, ({ record }) => ({ kind: 'media', ...where, artifact: record }));
    },
  };
}

const nameOf = (where: Required<ReportPlace>): string => `${where.title}/${where.series}/${where.iteration}`;

function axes(call: string, { xAxis, yAxis }: Axes): Axes {
  return given({
    xAxis: xAxis === undefined ? undefined : checkName(call, 'xAxis', xAxis),
    yAxis: yAxis === undefined ? undefined : checkName(call, 'yAxis', yAxis),
  });
}

/** Only what was given: absent keys stay absent in what is stored. */
function given<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** A loss that has become NaN must not end hours of training; it must not go unnoticed either. */
function warnNotFinite(what: string, value: number): void {
  process.stderr.write(
    `run-pipeline: ${what} is ${value}; only finite numbers are reported, so it is left out\n`,
  );
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}
