import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { RunPipelineError } from '@run-pipeline/core/model';
import { shownUrl } from '../storage-url.js';
import { httpFailure } from './http-failure.js';
import { httpRequest } from './http-request.js';
import type { StallGuard } from './stall-guard.js';

/** One file by PUT, as object stores and signed addresses take it. */
export async function putFile(options: {
  readonly path: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly stall: StallGuard;
  readonly signal: AbortSignal;
  readonly onBytes: (sent: number) => void;
}): Promise<void> {
  const { path, url, headers, stall, onBytes } = options;
  const { size } = await stat(path);
  stall.begin();
  const signal = AbortSignal.any([options.signal, stall.signal]);
  let sent = 0;
  try {
    const response = await httpRequest({
      method: 'PUT',
      url,
      headers: { 'content-type': 'application/octet-stream', ...headers, 'content-length': size },
      signal,
      body: () => {
        sent = 0;
        // `end`: a file that grows meanwhile would break the announced length.
        return createReadStream(path, size === 0 ? {} : { end: size - 1 }).on('data', (chunk) => {
          sent += chunk.length;
          onBytes(sent);
        });
      },
      onMove: () => stall.moved(),
    });
    response.resume();
    response.destroy();
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return;
    throw writeFailure(httpFailure(response, shownUrl(url)), shownUrl(url));
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted) throw stall.signal.reason;
    throw error;
  } finally {
    stall.end();
  }
}

/** What may pass stays what it is. */
function writeFailure(error: Error, shown: string): Error {
  if (!(error instanceof RunPipelineError)) return error;
  return new RunPipelineError({
    kind: 'artifact',
    code: error.code === 'storage-missing' ? 'storage-failed' : error.code,
    message: error.message
      .replace(/^cannot read /, 'cannot write ')
      .replace(`${shown} does not exist`, `cannot write ${shown}`),
    help: error.help,
  });
}
