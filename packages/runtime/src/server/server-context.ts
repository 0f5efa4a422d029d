import type { Project } from '../project/index.js';
import type { ArtifactPages } from './artifacts/artifact-pages.js';
import type { Logs } from './logs/logs.js';
import type { RunItems } from './runs/run-items.js';
import type { RunViews } from './runs/run-views.js';

/** What the parts of one server share. */
export interface ServerContext {
  readonly project: Project;
  /** Of run-pipeline. */
  readonly version: string;
  /** Changes with every start. */
  readonly instance: string;
  /** False: to look only. */
  readonly actions: boolean;
  readonly views: RunViews;
  readonly items: RunItems;
  readonly logs: Logs;
  readonly artifacts: ArtifactPages;
  /** Hears of errors that nobody expected. */
  readonly onBug: (error: unknown) => void;
}
