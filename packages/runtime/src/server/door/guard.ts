import type { IncomingMessage } from 'node:http';
import { Refusal } from '../refusal.js';
import type { Sessions } from './sessions.js';

/**
 * Lets a request of the API in, or throws. A session is a cookie (the page) or the token itself
 * (`Authorization: Bearer …`, programs). A cookie is also sent by what another site, or another port of
 * this machine, makes the browser ask: those requests say where they come from.
 */
export function admit(
  request: IncomingMessage,
  { sessions, origin }: { readonly sessions: Sessions; readonly origin: URL | undefined },
): void {
  const { headers } = request;
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    if (sessions.isToken(bearer)) return;
    throw noSession();
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw otherOrigin();
  const own = headers.origin === `http://${headers.host}` || headers.origin === origin?.origin;
  if (headers.origin !== undefined && !own) throw otherOrigin();
  if (request.method !== 'GET' && request.method !== 'HEAD' && headers.origin === undefined)
    throw otherOrigin();
  if (!sessions.holds(headers.cookie)) throw noSession();
}

const noSession = (): Refusal =>
  new Refusal(
    401,
    'no-session',
    'this browser has not opened the link of the server yet',
    'Open the link that `run-pipeline ui` prints.',
  );

const otherOrigin = (): Refusal =>
  new Refusal(403, 'other-origin', 'requests are answered to the page of this server only');
