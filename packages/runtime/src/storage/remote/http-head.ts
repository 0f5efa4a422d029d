import type { IncomingMessage } from 'node:http';
import { shownUrl } from '../storage-url.js';
import { httpFailure, isMissing } from './http-failure.js';
import { httpRequest } from './http-request.js';
import type { StallGuard } from './stall-guard.js';

/** The headers of a file; undefined when there is none. */
export async function httpHead(options: {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly stall: StallGuard;
  readonly signal: AbortSignal;
}): Promise<IncomingMessage['headers'] | undefined> {
  const { url, headers, stall } = options;
  stall.begin();
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    // Signed addresses are often good for GET alone, and some servers know nothing else.
    for (const method of ['HEAD', 'GET'] as const) {
      const response = await httpRequest({
        method,
        url,
        headers: { ...headers, 'accept-encoding': 'identity' },
        signal,
        onMove: () => stall.moved(),
      });
      response.resume();
      response.destroy();
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response.headers;
      if (isMissing(status)) return undefined;
      const isAskedAgain = method === 'HEAD' && [400, 403, 405, 501].includes(status);
      if (!isAskedAgain) throw httpFailure(response, shownUrl(url));
    }
    return undefined;
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted) throw stall.signal.reason;
    throw error;
  } finally {
    stall.end();
  }
}
