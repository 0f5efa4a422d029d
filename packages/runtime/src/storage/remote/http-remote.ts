import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { RunPipelineError } from '@run-pipeline/core/model';
import { isSafeFileName } from '../../artifacts/file-name.js';
import { shownUrl } from '../storage-url.js';
import { httpFailure } from './http-failure.js';
import { httpRequest } from './http-request.js';
import { ContentChanged, type Remote, type RemoteAnswer, type Validators } from './remote.js';
import type { StallGuard } from './stall-guard.js';

export function httpRemote(options: {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly stall: StallGuard;
}): Remote {
  const { url, headers, stall } = options;
  const shown = shownUrl(url);
  return {
    shown,
    fileName: nameInPath(url) ?? 'download',
    ask: async ({ from, continues, known, signal }) => {
      const response = await httpRequest({
        method: 'GET',
        url,
        headers: {
          ...headers,
          // As it is stored: lengths and places are then those of the file.
          'accept-encoding': 'identity',
          ...(from > 0 ? { range: `bytes=${from}-`, 'if-range': continues } : conditions(known)),
        },
        signal,
        onMove: () => stall.moved(),
      });
      return answer(response, { from, known, shown });
    },
  };
}

function conditions(known: Validators | undefined): Record<string, string> {
  return {
    ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  };
}

function answer(
  response: IncomingMessage,
  asked: { readonly from: number; readonly known: Validators | undefined; readonly shown: string },
): RemoteAnswer {
  const { statusCode: status, headers } = response;
  if (status === 304 && asked.known !== undefined) {
    response.resume();
    return { kind: 'same' };
  }
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '');
  const isPart = status === 206 && range !== null && Number(range[1]) === asked.from && asked.from > 0;
  if (status !== 200 && !isPart) {
    response.resume();
    response.destroy();
    // It is shorter now than what has come of it.
    if (asked.from > 0 && (status === 412 || status === 416)) throw new ContentChanged();
    throw httpFailure(response, asked.shown);
  }
  const decoder = decoderOf(headers['content-encoding'], asked.shown);
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  const total = isPart ? Number(range[2]) : length;
  const validators = validatorsOf(response);
  const isStrong = validators.etag?.startsWith('"') === true;
  return {
    kind: 'content',
    from: isPart ? asked.from : 0,
    total,
    body: response,
    decoder,
    validators,
    continues: isStrong && decoder === undefined ? validators.etag : undefined,
    fileName: nameInHeader(headers['content-disposition']),
  };
}

/** A date in which something may still change within the same second says nothing. */
const SETTLED_MS = 2_000;

export function validatorsOf({ headers }: Pick<IncomingMessage, 'headers'>): Validators {
  const { etag, 'last-modified': lastModified, date } = headers;
  const isSettled =
    lastModified !== undefined && Date.parse(date ?? '') - Date.parse(lastModified) >= SETTLED_MS;
  return {
    ...(etag === undefined || etag === '' ? {} : { etag }),
    ...(isSettled ? { lastModified } : {}),
  };
}

function decoderOf(encoding: string | undefined, shown: string): Transform | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new RunPipelineError({
        kind: 'artifact',
        code: 'storage-failed',
        message: `cannot read ${shown}: it comes encoded as ${JSON.stringify(encoding)}, though it was asked for as it is`,
      });
  }
}

function nameInPath(url: URL): string | undefined {
  try {
    return safe(decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)));
  } catch {
    return undefined; // a % that means nothing
  }
}

/** `attachment; filename="a.zip"`, or `filename*=UTF-8''a%20b.zip`. */
function nameInHeader(value: string | undefined): string | undefined {
  const extended = /;\s*filename\*\s*=\s*(?:utf-8|iso-8859-1)'[^']*'([^;\s]+)/i.exec(value ?? '')?.[1];
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(value ?? '');
  try {
    if (extended !== undefined) return safe(decodeURIComponent(extended));
  } catch {
    // as if it were not there
  }
  return safe((plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? '').replace(/^.*[/\\]/, ''));
}

const CONTROL = /[\u0000-\u001f\u007f]/;
const safe = (name: string): string | undefined =>
  isSafeFileName(name) && !CONTROL.test(name) ? name : undefined;
