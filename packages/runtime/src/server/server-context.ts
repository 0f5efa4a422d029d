import type { Project } from '../project/index.js';
import type { RunItems } from './run-items.js';
import type { RunViews } from './run-views.js';

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
  /** Hears of errors that nobody expected. */
  readonly onBug: (error: unknown) => void;
}
