import type {
  ArtifactPageQuery,
  LogQuery,
  RerunRequest,
  RunListQuery,
  TaskQueryText,
} from '@run-pipeline/core/wire';
import { refreshCache } from './actions/cache-actions.js';
import { abort, previewRerun, rerun, resume, runForm } from './actions/run-actions.js';
import { present, type Fields } from './fields.js';
import { listAgents, listQueues, queueDetails } from './fleet/queues.js';
import { abortTask, cloneTask, enqueueTask } from './fleet/task-actions.js';
import { listTasks, requireTask, taskDetails } from './fleet/tasks.js';
import { badRequest } from './refusal.js';
import { listRuns } from './runs/run-list.js';
import { runNames } from './runs/run-names.js';
import { requireRun, runSnapshot } from './runs/run-snapshot.js';
import type { ServedRoutes } from './served-routes.js';
import type { ServerContext } from './server-context.js';
import { sessionOf } from './session.js';
import { stepCode, stepPackages } from './steps/step-code.js';
import { stepInputs } from './steps/step-inputs.js';
import { stepWhy } from './steps/step-why.js';

/** Every route of the table in core, and how it is answered. */
export function servedRoutes(context: ServerContext): ServedRoutes {
  return {
    'GET /api/session': { answer: async () => sessionOf(context) },
    'GET /api/runs': { query: readRunListQuery, answer: ({ query }) => listRuns(context, query) },
    'GET /api/run-names': {
      query: (fields) => present({ ids: fields.text('ids', { most: 8_000 }) }),
      answer: ({ query }) =>
        runNames(
          context,
          (query.ids ?? '').split(',').filter((id) => id !== ''),
        ),
    },
    'GET /api/runs/:run': { answer: ({ params }) => runSnapshot(context, params.run) },
    'GET /api/runs/:run/form': {
      answer: ({ params, signal }) => runForm(context, params.run, signal),
    },
    'GET /api/runs/:run/logs': {
      answer: async ({ params, signal }) =>
        context.logs.summary((await requireRun(context, params.run)).id, signal),
    },
    'GET /api/runs/:run/steps/:step/logs': {
      query: readLogQuery,
      answer: async ({ params, query, signal }) => {
        const row = await requireRun(context, params.run);
        return context.logs.ofStep({ run: row.id, step: params.step }, query, signal);
      },
    },
    'GET /api/runs/:run/steps/:step/inputs': {
      answer: ({ params }) => stepInputs(context, params.run, params.step),
    },
    'GET /api/runs/:run/steps/:step/code': {
      answer: ({ params }) => stepCode(context, params.run, params.step),
    },
    'GET /api/runs/:run/steps/:step/why': {
      answer: ({ params }) => stepWhy(context, params.run, params.step),
    },
    'GET /api/runs/:run/steps/:step/packages': {
      answer: ({ params }) => stepPackages(context, params.run, params.step),
    },
    'GET /api/artifacts/:hash/page': {
      query: readPageQuery,
      answer: ({ params, query }) => context.artifacts.page(context, params.hash, query),
    },
    'GET /api/tasks': { query: readTaskQuery, answer: ({ query }) => listTasks(context, query) },
    'GET /api/tasks/:task': { answer: ({ params }) => taskDetails(context, params.task) },
    'GET /api/tasks/:task/logs': {
      query: readLogQuery,
      answer: async ({ params, query, signal }) =>
        context.logs.ofTask(await requireTask(context, params.task), query, signal),
    },
    'GET /api/queues': { answer: () => listQueues(context) },
    'GET /api/queues/:queue': { answer: ({ params }) => queueDetails(context, params.queue) },
    'GET /api/agents': { answer: () => listAgents(context) },
    'POST /api/runs/:run/abort': {
      body: readReason,
      answer: ({ params, body }) => abort(context, params.run, body.reason),
    },
    'POST /api/runs/:run/resume': {
      body: () => ({}),
      answer: ({ params }) => resume(context, params.run),
    },
    'POST /api/runs/:run/rerun': {
      body: readRerunRequest,
      answer: ({ params, body, signal }) => rerun(context, params.run, body, signal),
    },
    'POST /api/runs/:run/preview': {
      body: readRerunRequest,
      answer: ({ params, body, signal }) => previewRerun(context, params.run, body, signal),
    },
    'POST /api/cache/refresh': {
      body: (fields) => ({
        run: fields.required('run', { most: 64 }),
        step: fields.required('step', { most: 400 }),
      }),
      answer: ({ body }) => refreshCache(context, body),
    },
    'POST /api/tasks/:task/clone': {
      body: (fields) => present({ name: fields.text('name', { most: 300 }) }),
      answer: ({ params, body }) => cloneTask(context, params.task, body.name),
    },
    'POST /api/tasks/:task/enqueue': {
      body: (fields) =>
        present({
          queue: fields.text('queue', { most: 200 }),
          priority: fields.integer('priority', { least: -1_000_000, most: 1_000_000 }),
        }),
      answer: ({ params, body }) => enqueueTask(context, params.task, body),
    },
    'POST /api/tasks/:task/abort': {
      body: readReason,
      answer: ({ params, body }) => abortTask(context, params.task, body.reason),
    },
  };
}

function readRunListQuery(fields: Fields): RunListQuery {
  return present({
    q: fields.text('q', { most: 1_000 }),
    project: fields.text('project', { most: 300 }),
    cursor: fields.text('cursor', { most: 64 }),
    limit: fields.integer('limit', { least: 1, most: 500 }),
  });
}

function readLogQuery(fields: Fields): LogQuery {
  return present({
    attempt: fields.integer('attempt', { least: 0, most: 1_000_000 }),
    stream: fields.oneOf('stream', ['stdout', 'stderr']),
    from: fields.integer('from', { least: -1_000_000_000, most: 1_000_000_000 }),
    limit: fields.integer('limit', { least: 0, most: 5_000 }),
    search: fields.text('search', { most: 500 }),
  });
}

function readPageQuery(fields: Fields): ArtifactPageQuery {
  const codecVersion = fields.integer('codecVersion', { least: 0, most: 1_000_000 });
  if (codecVersion === undefined) throw badRequest('"codecVersion" is missing');
  return {
    type: fields.required('type', { most: 64 }),
    codecVersion,
    ...present({
      fileName: fields.text('fileName', { most: 300 }),
      mime: fields.text('mime', { most: 100 }),
      as: fields.oneOf('as', ['tree', 'text']),
      offset: fields.integer('offset', { least: 0, most: 1_000_000_000 }),
      limit: fields.integer('limit', { least: 1, most: 1_000 }),
      sort: fields.text('sort', { most: 500 }),
      descending: fields.oneOf('descending', ['1']),
      path: fields.text('path', { most: 10_000 }),
    }),
  };
}

function readTaskQuery(fields: Fields): TaskQueryText {
  return present({
    q: fields.text('q', { most: 1_000 }),
    cursor: fields.text('cursor', { most: 500 }),
    limit: fields.integer('limit', { least: 1, most: 500 }),
  });
}

const readReason = (fields: Fields): { readonly reason?: string } =>
  present({ reason: fields.text('reason', { most: 500 }) });

const MOST_STEPS = 1_000;

function readRerunRequest(fields: Fields): RerunRequest {
  const selection = fields.object('selection');
  const step = (name: string): string | undefined => selection?.text(name, { most: 400 });
  const selected = present({ from: step('from'), to: step('to'), only: step('only') });
  selection?.end();
  return {
    parameters: fields.texts('parameters', { names: 500, characters: 20_000 }),
    ...(Object.keys(selected).length === 0 ? {} : { selection: selected }),
    ...present({
      refresh: readRefresh(fields.any('refresh')),
      cache: fields.boolean('cache'),
      queue: fields.text('queue', { most: 200 }),
      remote: fields.text('remote', { most: 200 }),
    }),
  };
}

function readRefresh(value: unknown): RerunRequest['refresh'] {
  if (value === undefined || value === 'all') return value;
  const isStep = (step: unknown): step is string =>
    typeof step === 'string' && step !== '' && step.length <= 400;
  if (Array.isArray(value) && value.length <= MOST_STEPS && value.every(isStep)) return value;
  throw badRequest('"refresh" must be "all" or a list of steps');
}
