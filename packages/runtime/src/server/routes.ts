import type { ArtifactPageQuery, LogQuery, RunListQuery } from '@run-pipeline/core/wire';
import { present, type Fields } from './fields.js';
import { badRequest, Refusal } from './refusal.js';
import { listRuns } from './run-list.js';
import { requireRun, runSnapshot } from './run-snapshot.js';
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
    'GET /api/runs/:run': { answer: ({ params }) => runSnapshot(context, params.run) },
    'GET /api/runs/:run/form': { answer: notYet },
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
    'GET /api/tasks': { query: notYetQuery, answer: notYet },
    'GET /api/tasks/:task': { answer: notYet },
    'GET /api/tasks/:task/logs': { query: notYetQuery, answer: notYet },
    'GET /api/queues': { answer: notYet },
    'GET /api/queues/:queue': { answer: notYet },
    'GET /api/agents': { answer: notYet },
    'POST /api/runs/:run/abort': { body: notYetQuery, answer: notYet },
    'POST /api/runs/:run/resume': { body: notYetQuery, answer: notYet },
    'POST /api/runs/:run/rerun': { body: notYetQuery, answer: notYet },
    'POST /api/runs/:run/preview': { body: notYetQuery, answer: notYet },
    'POST /api/cache/refresh': { body: notYetQuery, answer: notYet },
    'POST /api/tasks/:task/clone': { body: notYetQuery, answer: notYet },
    'POST /api/tasks/:task/enqueue': { body: notYetQuery, answer: notYet },
    'POST /api/tasks/:task/abort': { body: notYetQuery, answer: notYet },
  };
}

const notYet = (): never => {
  throw new Refusal(503, 'not-served', 'this server does not answer that yet');
};
const notYetQuery = (): never => notYet();

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
