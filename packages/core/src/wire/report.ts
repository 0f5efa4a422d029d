import type { ArtifactPage } from './artifact-pages.js';
import type { LogPage } from './logs.js';
import type { RunNames, RunSnapshot } from './runs.js';
import type { StepCodeView, StepInputs, StepPackages, StepWhy } from './steps.js';

/**
 * Everything that a report of one run shows, which is one file and asks nobody: for a pull request or an
 * archive. `run-pipeline report` puts it as JSON (every `<` escaped) into an element
 * `<script type="application/json" id="report-data">` in the place of the comment
 * `<!--report-data-->` of the built template `report.html`.
 */
export interface ReportData {
  readonly format: 1;
  /** ISO. */
  readonly madeAt: string;
  /** Of run-pipeline. */
  readonly version: string;
  /** Name of the project's root directory. */
  readonly project: string;
  readonly run: RunSnapshot;
  /** Of the steps that are shown in full: those that failed first, then in the order of the run. */
  readonly steps: readonly ReportStep[];
  /** What artifacts (of steps and of reports) hold, as far as it fits. */
  readonly artifacts: readonly ReportArtifact[];
  /** Runs of other pipelines that results were taken from. */
  readonly names: RunNames['names'];
  /** What was left out, as sentences; empty: nothing was. */
  readonly omitted: readonly string[];
}

export interface ReportStep {
  readonly name: string;
  readonly inputs: StepInputs;
  readonly why: StepWhy;
  readonly code: StepCodeView;
  readonly packages: StepPackages;
  /** The last lines of the latest attempt; absent when it printed nothing. */
  readonly console?: LogPage;
}

export interface ReportArtifact {
  readonly hash: string;
  /** Its first page. */
  readonly page: ArtifactPage;
  /** Of an image that a browser shows: `data:image/png;base64,…`. */
  readonly image?: string;
  /** Of an HTML document: what a frame without any rights shows. */
  readonly document?: string;
  /** Of a plot or a table that a step reported: its numbers, as JSON. */
  readonly value?: unknown;
}
