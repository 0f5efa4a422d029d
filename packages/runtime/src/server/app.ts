import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import { ARTIFACT_BYTES, STREAM, type WireError } from '@run-pipeline/core/wire';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { artifactBytes, readBytesQuery, type BytesQuery } from './artifacts/artifact-bytes.js';
import { admit } from './door/guard.js';
import type { Sessions } from './door/sessions.js';
import { Fields } from './fields.js';
import { badRequest, Refusal, refusalOf } from './refusal.js';
import { servedRoutes } from './routes.js';
import { listRoutes, pathParameters, type AnyRoute } from './served-routes.js';
import type { ServerContext } from './server-context.js';
import type { StaticPage } from './static-page.js';
import { TICKET } from './running-server.js';
import type { LiveFeed } from './stream/live-feed.js';
import { readStreamQuery } from './stream/stream-query.js';

const LARGEST_BODY = 256 * 1024;

type Env = { readonly Bindings: HttpBindings };

/** Everything behind the `Host` check: sessions, the API, the stream, and the page's files. */
export function createApp(options: {
  readonly context: ServerContext;
  readonly sessions: Sessions;
  readonly feed: LiveFeed;
  readonly page: StaticPage;
  /** Where a proxy serves the page for others. */
  readonly origin: URL | undefined;
}): Hono<Env> {
  const { context, sessions, feed, page } = options;
  const app = new Hono<Env>();
  app.onError((error, c) => {
    const { status, body } = refusalOf(error, context.onBug);
    return c.json(body, status);
  });

  app.use('/api/*', async (c, next) => {
    admit(c.env.incoming, { sessions, origin: options.origin });
    await next();
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  });
  app.use(
    '/api/*',
    bodyLimit({
      maxSize: LARGEST_BODY,
      onError: () => {
        throw new Refusal(413, 'too-large', `a request may hold ${LARGEST_BODY} bytes`);
      },
    }),
  );

  app.post(TICKET, (c) => {
    // Only for who has the token itself: it makes sessions.
    if (c.req.header('authorization') === undefined)
      throw new Refusal(403, 'token-needed', 'a ticket is for the command line');
    return c.json({ ticket: sessions.ticket() });
  });
  app.get(STREAM, (c) => {
    // A HEAD would wait for ever.
    if (c.req.method !== 'GET') throw new Refusal(405, 'method', 'a stream is read');
    const fields = Fields.ofQuery(new URL(c.req.url).searchParams);
    const followed = readStreamQuery(fields);
    fields.end();
    feed.connect(c.env.outgoing, followed);
    return RESPONSE_ALREADY_SENT;
  });
  app.get(`${ARTIFACT_BYTES}:hash`, (c) => bytes(c, context));
  for (const route of listRoutes(servedRoutes(context)))
    app.on(route.method, route.path, (c) => answer(c, route, context));
  app.all('/api/*', () => {
    throw new Refusal(404, 'no-route', 'there is no such resource');
  });

  app.get('*', (c) => servePage(c, { sessions, page }));
  app.all('*', () => {
    throw new Refusal(405, 'method', 'only the API takes that method');
  });
  return app;
}

async function answer(c: Context<Env>, route: AnyRoute, context: ServerContext): Promise<Response> {
  const params = pathParameters(route, c.env.incoming.url ?? '');
  if (params === undefined) throw new Refusal(404, 'no-route', 'there is no such resource');
  if (route.method === 'POST' && !context.actions) {
    throw new Refusal(
      403,
      'read-only',
      'this server only shows',
      'Start it without --read-only, or use the command line.',
    );
  }
  const query = read(route.query, Fields.ofQuery(new URL(c.req.url).searchParams));
  const body = route.method === 'POST' ? read(route.body, Fields.ofBody(await jsonBody(c))) : undefined;
  const reply = await route.answer({ params, query, body, signal: c.req.raw.signal });
  return c.json(reply as object);
}

const BYTES_ROUTE = { segments: [...ARTIFACT_BYTES.split('/').slice(1, -1), ':hash'] };

async function bytes(c: Context<Env>, context: ServerContext): Promise<Response> {
  const params = pathParameters(BYTES_ROUTE, c.env.incoming.url ?? '');
  const hash = params?.['hash'];
  if (hash === undefined) throw new Refusal(404, 'no-route', 'there is no such resource');
  const query = read(readBytesQuery, Fields.ofQuery(new URL(c.req.url).searchParams)) as BytesQuery;
  return artifactBytes(context, hash, query, {
    method: c.req.method,
    range: c.req.header('range'),
    ifNoneMatch: c.req.header('if-none-match'),
    destination: c.req.header('sec-fetch-dest'),
  });
}

function read(reader: AnyRoute['query'], fields: Fields): unknown {
  const value = reader?.(fields);
  fields.end();
  return value;
}

async function jsonBody(c: Context<Env>): Promise<unknown> {
  // Not a type that a form of another site could send without asking first.
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new Refusal(415, 'no-json', 'the body must be application/json');
  const text = await c.req.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw badRequest('the body is no JSON');
  }
}

/** The page. The link of the terminal holds the token: it is traded for a cookie, and gone from the address. */
async function servePage(
  c: Context<Env>,
  { sessions, page }: { readonly sessions: Sessions; readonly page: StaticPage },
): Promise<Response> {
  const url = new URL(c.req.url);
  const token = url.searchParams.get('token');
  const ticket = url.searchParams.get('ticket');
  if (token !== null || ticket !== null) {
    const valid =
      (token !== null && sessions.isToken(token)) || (ticket !== null && sessions.takeTicket(ticket));
    if (!valid && !sessions.holds(c.req.header('cookie'))) return c.text(STALE_LINK, 403);
    if (valid) c.header('set-cookie', sessions.issue());
    c.header('cache-control', 'no-store');
    url.searchParams.delete('token');
    url.searchParams.delete('ticket');
    // One slash: two would lead to another host.
    return c.redirect(`/${url.pathname.replace(/^[/\\]+/, '')}${url.search}`, 303);
  }
  if (!page.built) return c.text(NOT_BUILT, 503);
  const gzip = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  const file = await page.find(url.pathname, { gzip });
  if (file === undefined) {
    const missing: WireError = { error: { code: 'no-file', message: 'the page has no such file' } };
    return c.json(missing, 404);
  }
  return c.body(file.bytes, 200, file.headers);
}

const STALE_LINK =
  'This link is of an earlier start of the server. Open the one that `npx run-pipeline ui` prints now.\n';
const NOT_BUILT = 'The files of the page are not there: build it (npm run build) and start again.\n';
