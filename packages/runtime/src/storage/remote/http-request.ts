import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { RunPipelineError } from '@run-pipeline/core/model';
import { shownUrl } from '../storage-url.js';

const REDIRECTS = 10;
const REDIRECTING = new Set([301, 302, 303, 307, 308]);

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly url: URL;
  readonly headers: OutgoingHttpHeaders;
  readonly signal: AbortSignal;
  /** Made anew for each redirection. */
  readonly body?: () => Readable;
  /** Called for every sign of life. */
  readonly onMove: () => void;
}

/**
 * One exchange, with its redirections. Each has a connection of its own that ends with it: kept ones would
 * outlive the step. User name and password in a URL become a header; where a redirection leaves the host,
 * nothing that opens it goes along, and it never leads from https to http.
 */
export async function httpRequest(request: HttpRequest): Promise<IncomingMessage> {
  let { url, headers } = request;
  for (let redirects = 0; ; redirects += 1) {
    const response = await exchange({ ...request, url, headers: withCredentials(url, headers) });
    request.onMove();
    const { location } = response.headers;
    if (!REDIRECTING.has(response.statusCode ?? 0) || location === undefined) return response;
    response.resume();
    response.destroy();
    const next = target(url, location);
    if (redirects === REDIRECTS) throw refused(url, `it was redirected more than ${REDIRECTS} times`);
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw refused(url, `it is redirected from https to ${next.protocol.slice(0, -1)}`);
    }
    if (next.origin !== url.origin) headers = withoutSecrets(headers);
    url = next;
  }
}

function target(url: URL, location: string): URL {
  let next: URL;
  try {
    next = new URL(location, withoutUser(url));
  } catch {
    throw refused(url, 'it is redirected to what is no URL');
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw refused(url, `it is redirected to ${next.protocol}`);
  }
  // A relative address stays with the user that it was asked as.
  if (next.origin === url.origin && next.username === '') {
    next.username = url.username;
    next.password = url.password;
  }
  next.hash = '';
  return next;
}

function withoutUser(url: URL): URL {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy;
}

function withCredentials(url: URL, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  if (url.username === '' && url.password === '') return headers;
  const text = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}`, ...headers };
}

/** Whatever a user has set for the first host may open it. */
function withoutSecrets(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const ours = /^(?:accept|accept-encoding|user-agent|range|if-.*|content-(?:length|type))$/i;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ours.test(name)));
}

async function exchange(request: HttpRequest): Promise<IncomingMessage> {
  const { method, url, headers, signal, body, onMove } = request;
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const sent = send(withoutUser(url), {
      method,
      // Ours win over the user's: they decide how what comes is read.
      headers: { 'user-agent': 'run-pipeline', accept: '*/*', ...headers, connection: 'close' },
      agent: false,
      signal,
    });
    sent.once('response', (response) => {
      // Whoever reads it hears of it too; between here and there nobody listens.
      response.on('error', () => {});
      resolve(response);
    });
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    sent.once('socket', (socket) => {
      socket.once('connect', onMove);
      if (body !== undefined) socket.on('drain', onMove);
    });
    if (body === undefined) sent.end();
    else {
      const source = body();
      source.once('error', (error) => sent.destroy(error));
      source.on('data', onMove);
      source.pipe(sent);
      // It may answer before it has read all.
      sent.once('response', () => source.unpipe(sent).destroy());
      sent.once('error', () => source.destroy());
    }
  });
}

const refused = (url: URL, why: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'artifact',
    code: 'storage-redirect',
    message: `${shownUrl(url)} is not followed: ${why}`,
  });
