import type {
  ActionResult,
  CacheRefresh,
  RerunRequest,
  RunStarted,
  TaskEnqueue,
  TaskEnqueued,
} from './actions.js';
import type { ArtifactPage, ArtifactPageQuery } from './artifact-pages.js';
import type { Agents, QueueDetails, Queues, TaskDetails, TaskList, TaskQueryText } from './fleet.js';
import type { LogPage, LogQuery, LogSummary } from './logs.js';
import type { RerunPreview, RunForm } from './rerun.js';
import type { RunList, RunListQuery, RunNames, RunNamesQuery, RunSnapshot } from './runs.js';
import type { Session } from './session.js';
import type { StepCodeView, StepInputs, StepPackages, StepWhy } from './steps.js';

/**
 * Every resource of the page's server: its path, what may be asked, what comes back. The server
 * implements this table and the page calls through it, so that no shape is declared twice. `:name` in
 * a path is percent-encoded (`score[0]` is a step's name). Reads are GET with `query` in the address,
 * actions are POST with `body` as JSON.
 */
export interface Routes {
  'GET /api/session': { readonly reply: Session };
  'GET /api/runs': { readonly query: RunListQuery; readonly reply: RunList };
  /** What runs are called that are known by their id alone; `ids`: comma separated, at most 200. */
  'GET /api/run-names': { readonly query: RunNamesQuery; readonly reply: RunNames };
  'GET /api/runs/:run': { readonly reply: RunSnapshot };
  'GET /api/runs/:run/form': { readonly reply: RunForm };
  'GET /api/runs/:run/logs': { readonly reply: LogSummary };
  'GET /api/runs/:run/steps/:step/logs': { readonly query: LogQuery; readonly reply: LogPage };
  'GET /api/runs/:run/steps/:step/inputs': { readonly reply: StepInputs };
  'GET /api/runs/:run/steps/:step/code': { readonly reply: StepCodeView };
  'GET /api/runs/:run/steps/:step/why': { readonly reply: StepWhy };
  'GET /api/runs/:run/steps/:step/packages': { readonly reply: StepPackages };
  /** A part of an artifact, decoded, for a table or a tree. Its bytes: `ARTIFACT_BYTES`. */
  'GET /api/artifacts/:hash/page': { readonly query: ArtifactPageQuery; readonly reply: ArtifactPage };
  'GET /api/tasks': { readonly query: TaskQueryText; readonly reply: TaskList };
  'GET /api/tasks/:task': { readonly reply: TaskDetails };
  'GET /api/tasks/:task/logs': { readonly query: LogQuery; readonly reply: LogPage };
  'GET /api/queues': { readonly reply: Queues };
  'GET /api/queues/:queue': { readonly reply: QueueDetails };
  'GET /api/agents': { readonly reply: Agents };
  'POST /api/runs/:run/abort': { readonly body: { readonly reason?: string }; readonly reply: ActionResult };
  'POST /api/runs/:run/resume': { readonly body: Record<string, never>; readonly reply: RunStarted };
  'POST /api/runs/:run/rerun': { readonly body: RerunRequest; readonly reply: RunStarted };
  /** What a rerun would do: nothing is executed. */
  'POST /api/runs/:run/preview': { readonly body: RerunRequest; readonly reply: RerunPreview };
  'POST /api/cache/refresh': { readonly body: CacheRefresh; readonly reply: ActionResult };
  'POST /api/tasks/:task/clone': { readonly body: { readonly name?: string }; readonly reply: TaskEnqueued };
  'POST /api/tasks/:task/enqueue': { readonly body: TaskEnqueue; readonly reply: TaskEnqueued };
  'POST /api/tasks/:task/abort': {
    readonly body: { readonly reason?: string };
    readonly reply: ActionResult;
  };
}

export type Route = keyof Routes;

/**
 * The bytes of an artifact, as an attachment, with `Range`: `ARTIFACT_BYTES + hash`. `?name=` is what the
 * download is called, `?path=` picks a file of a directory, `?inline=1` is for the `<img>`, `<audio>` or
 * `<video>` of what is an image, sound or a film by its own bytes, `?inline=document` for the frame of an HTML
 * document.
 */
export const ARTIFACT_BYTES = '/api/artifacts/';

/** The one stream of live changes (`stream.ts`). */
export const STREAM = '/api/stream';

/** What every refused request answers, beside its HTTP status. */
export interface WireError {
  readonly error: {
    /** Kebab-case: `unknown-run`, `no-session`, `bad-request`, `already-running`. */
    readonly code: string;
    readonly message: string;
    readonly help?: string;
  };
}
