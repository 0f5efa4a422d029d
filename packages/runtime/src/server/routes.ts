import type { RunListQuery } from '@run-pipeline/core/wire';
import { present, type Fields } from './fields.js';
import { Refusal } from './refusal.js';
import { listRuns } from './run-list.js';
import { runSnapshot } from './run-snapshot.js';
import type { ServedRoutes } from './served-routes.js';
import type { ServerContext } from './server-context.js';
import { sessionOf } from './session.js';

/** Every route of the table in core, and how it is answered. */
export function servedRoutes(context: ServerContext): ServedRoutes {
  return {
    'GET /api/session': { answer: async () => sessionOf(context) },
    'GET /api/runs': { query: readRunListQuery, answer: ({ query }) => listRuns(context, query) },
    'GET /api/runs/:run': { answer: ({ params }) => runSnapshot(context, params.run) },
    'GET /api/runs/:run/form': { answer: notYet },
    'GET /api/runs/:run/logs': { answer: notYet },
    'GET /api/runs/:run/steps/:step/logs': { query: notYetQuery, answer: notYet },
    'GET /api/runs/:run/steps/:step/inputs': { answer: notYet },
    'GET /api/runs/:run/steps/:step/code': { answer: notYet },
    'GET /api/runs/:run/steps/:step/why': { answer: notYet },
    'GET /api/runs/:run/steps/:step/packages': { answer: notYet },
    'GET /api/artifacts/:hash/page': { query: notYetQuery, answer: notYet },
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
