import { runId, type RunId } from '@run-pipeline/core/model';
import type { ActionResult, RerunPreview, RerunRequest, RunForm, RunStarted } from '@run-pipeline/core/wire';
import { shownStatus, stopWaiting } from '../../engine/index.js';
import { shellWords } from '../command-line.js';
import { Refusal } from '../refusal.js';
import { requireRun } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { ask } from './ask.js';
import { placeOf } from './place.js';
import type { Answer } from './question.js';
import { startCommand } from './start-command.js';

/** Runs among which a new one is looked for. */
const NEWEST = 50;

export async function runForm(context: ServerContext, run: string, signal: AbortSignal): Promise<RunForm> {
  const row = await requireRun(context, run);
  const answer = await ask({ kind: 'form', run: row.id }, await placeOf(context, row.id), signal);
  if (answer.kind === 'form') return answer.form;
  const reason = answer.kind === 'failed' ? answer.message : 'there is no answer';
  return { file: row.source, possible: false, reason, parameters: [], steps: [] };
}

export async function previewRerun(
  context: ServerContext,
  run: string,
  request: RerunRequest,
  signal: AbortSignal,
): Promise<RerunPreview> {
  const row = await requireRun(context, run);
  const place = await placeOf(context, row.id);
  const answer = await ask({ kind: 'preview', run: row.id, request }, place, signal);
  const command = shellWords(['npx', 'run-pipeline', ...rerunWords(row.id, request)]);
  if (answer.kind === 'preview') return { ...answer.preview, command };
  return { steps: [], notes: [], problems: [problemOf(answer)], command };
}

function problemOf(answer: Answer): RerunPreview['problems'][number] {
  return { message: answer.kind === 'failed' ? answer.message : 'there is no answer' };
}

/**
 * Starts the same pipeline again, by the command line. What can be seen to be wrong is refused before, with
 * what is wrong; the answer comes when the run is there.
 */
export async function rerun(
  context: ServerContext,
  run: string,
  request: RerunRequest,
  signal: AbortSignal,
): Promise<RunStarted> {
  const { problems } = await previewRerun(context, run, request, signal);
  const [first] = problems;
  if (first !== undefined) {
    const all = problems.map(({ message }) => message).join('\n');
    throw new Refusal(409, first.parameter === undefined ? 'cannot-run' : 'invalid-parameters', all);
  }
  const { store } = context.project;
  const before = new Set((await store.findRuns({ limit: NEWEST })).map(({ id }) => id));
  const row = await startCommand(context, {
    words: [...rerunWords(runId(run), request), '--output', 'quiet'],
    place: await placeOf(context, run),
    async find({ pid }) {
      const newest = await store.findRuns({ limit: NEWEST });
      // A run that is left to an agent is not owned by the process that made it.
      return newest.find(
        ({ id, parent, owner }) =>
          parent === run && !before.has(id) && (owner.pid === pid || request.remote !== undefined),
      );
    },
  });
  return { run: row.id };
}

function rerunWords(run: RunId, request: RerunRequest): readonly string[] {
  const { selection, refresh } = request;
  const option = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name}=${value}`];
  return [
    'rerun',
    run,
    ...Object.entries(request.parameters).map(([name, value]) => `--param=${name}=${value}`),
    ...option('from', selection?.from),
    ...option('to', selection?.to),
    ...option('only', selection?.only),
    ...(refresh === 'all' ? ['--refresh'] : (refresh ?? []).map((step) => `--refresh=${step}`)),
    ...(request.cache === false ? ['--no-cache'] : []),
    ...option('queue', request.queue),
    ...option('remote', request.remote),
  ];
}

/** Continues a run that ended badly or whose process is gone. */
export async function resume(context: ServerContext, run: string): Promise<RunStarted> {
  const { store } = context.project;
  const before = await requireRun(context, run);
  const status = shownStatus(before);
  if (status === 'running' || status === 'queued')
    throw new Refusal(409, 'already-running', 'the run is going on');
  if (status === 'completed')
    throw new Refusal(409, 'already-completed', 'the run has completed', 'Run it again instead.');
  await startCommand(context, {
    words: ['resume', before.id, '--output', 'quiet'],
    place: await placeOf(context, before.id),
    async find() {
      const row = await store.getRun(before.id);
      // Another one may have been faster: the run goes on either way. That it was taken over says little:
      // its process may find that a package is gone, and end.
      const goesOn = row !== undefined && row.epoch > before.epoch && row.lastSeq > before.lastSeq + 1;
      return goesOn ? row : undefined;
    },
  });
  return { run: before.id };
}

/** Asks a run to stop. One that waits for an agent is ended here. */
export async function abort(
  context: ServerContext,
  run: string,
  reason: string | undefined,
): Promise<ActionResult> {
  const { store } = context.project;
  const row = await requireRun(context, run);
  const status = shownStatus(row);
  const why = reason ?? 'stopped from the web page';
  if (status === 'lost')
    return { done: false, message: 'its process is gone already: there is nothing to stop' };
  if (status !== 'running' && status !== 'queued')
    return {
      done: false,
      message: `it is not running: it ${status === 'completed' ? 'has completed' : `was ${status}`} before`,
    };
  if (row.queued === true) {
    const ended = await stopWaiting(context.project, row, { reason: why });
    if (ended !== undefined) return { done: true, message: 'it was taken out of its queue' };
  }
  const asked = await store.requestStop(row.id, why);
  return asked
    ? { done: true, message: 'it was asked to stop: its steps are told, and what they have done is kept' }
    : { done: false, message: 'it has ended just now' };
}
