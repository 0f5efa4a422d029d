import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { listDirectory } from '../../artifacts/index.js';
import type { Fields } from '../fields.js';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';
import { findContent, findParts, type ArtifactContent, type PartsOfContent } from './artifact-content.js';
import { mediaType, shownImageType } from './media-type.js';
import { DOCUMENT_POLICY, LARGEST_DOCUMENT, quietDocument } from './quiet-document.js';
import { readRange } from './range.js';

const MOST_FILES = 100_000;
const PIECE = 4 * 1024 * 1024;
const SVG = 'image/svg+xml';

/** What a request for bytes may say. */
export interface BytesQuery {
  /** `1`: for an `<img>`, `<audio>` or `<video>`; `document`: for a frame. What is none of it is refused. */
  readonly inline: '1' | 'document' | undefined;
  /** What the download is called. */
  readonly name: string | undefined;
  /** A file of a directory. */
  readonly path: string | undefined;
}

export function readBytesQuery(fields: Fields): BytesQuery {
  return {
    inline: fields.oneOf('inline', ['1', 'document']),
    name: fields.text('name', { most: 300 }),
    path: fields.text('path', { most: 4_096 }),
  };
}

/**
 * The bytes of an artifact, with ranges. Nothing that a run made becomes a document of this origin: they
 * are an attachment of no type, or an image, sound or film by their own first bytes. All of it stands in
 * a sandbox, in which a browser that opens the address by itself runs and loads nothing either.
 */
export async function artifactBytes(
  context: ServerContext,
  hash: string,
  query: BytesQuery,
  request: {
    readonly method: string;
    readonly range: string | undefined;
    readonly ifNoneMatch: string | undefined;
    /** `Sec-Fetch-Dest`: what the browser wants it for. */
    readonly destination: string | undefined;
  },
): Promise<Response> {
  // What is downloaded was verified, and so is what is read as a whole; of a film that is played parts are read.
  const parts =
    query.inline === '1' && query.path === undefined && request.range !== undefined
      ? await findParts(context, hash)
      : undefined;
  const content = parts ?? (await findContent(context, hash));
  const part = 'read' in content ? { offset: 0, size: content.size } : await partOf(content, query.path);
  if (query.inline === 'document' && !('read' in content)) return documentOf(content, part);
  // Opened by itself an SVG would be a document, whose frames connect before they are refused.
  const shown =
    query.inline !== undefined && !/^(?:document|i?frame|object|embed)$/.test(request.destination ?? '');
  const type = shown ? await shownType(content, part) : 'application/octet-stream';
  const tag = `"${hash.slice('sha256:'.length)}${query.path === undefined ? '' : `-${part.offset}`}"`;
  const headers: Record<string, string> = {
    'content-type': type,
    'content-disposition': shown ? 'inline' : attachment(query, hash),
    // Styles and pictures inside of an SVG are its own; nothing else has any.
    'content-security-policy': `default-src 'none'; ${type === SVG ? "style-src 'unsafe-inline'; img-src data:; " : ''}sandbox`,
    'accept-ranges': 'bytes',
    etag: tag,
    'cache-control': 'private, no-cache',
  };
  if (request.ifNoneMatch === tag) return new Response(null, { status: 304, headers });
  const range = readRange(request.range, part.size);
  if (range === 'unsatisfiable') {
    return new Response(null, {
      status: 416,
      headers: { ...headers, 'content-range': `bytes */${part.size}` },
    });
  }
  const wanted = range ?? { start: 0, end: part.size - 1 };
  const length = wanted.end - wanted.start + 1;
  headers['content-length'] = String(length);
  if (range !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end}/${part.size}`;
  const body =
    request.method === 'HEAD' || length === 0
      ? null
      : await bodyOf(content, { offset: part.offset + wanted.start, size: length });
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** For the frame of the page: an HTML document that runs and loads nothing. */
async function documentOf(content: ArtifactContent, part: Part): Promise<Response> {
  const html = await readDocument(content, part);
  if (html === undefined) throw new Refusal(415, 'too-large', 'it is too large to show; this is a download');
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': 'inline',
      'content-security-policy': DOCUMENT_POLICY,
      'x-frame-options': 'SAMEORIGIN',
      'x-dns-prefetch-control': 'off',
      'cache-control': 'private, no-cache',
    },
  });
}

async function readDocument(content: ArtifactContent, part: Part): Promise<string | undefined> {
  return part.size > LARGEST_DOCUMENT ? undefined : quietDocument(await readBytes(content, part));
}

/** An HTML document as the frame of a report shows it; undefined when it is too large. */
export async function readShownDocument(context: ServerContext, hash: string): Promise<string | undefined> {
  const content = await findContent(context, hash);
  return readDocument(content, { offset: 0, size: content.size });
}

/** An image that is shown, whole, with its type by its own bytes. */
export async function readShownImage(
  context: ServerContext,
  hash: string,
): Promise<{ readonly type: string; readonly bytes: Uint8Array }> {
  const content = await findContent(context, hash);
  const whole = { offset: 0, size: content.size };
  return { type: await shownType(content, whole), bytes: await readBytes(content, whole) };
}

/** The JSON of a value that was stored as such; numbers that JSON has not are null in it. */
export async function readStoredJson(context: ServerContext, hash: string): Promise<unknown> {
  const content = await findContent(context, hash);
  const bytes = await readBytes(content, { offset: 0, size: content.size });
  const stored: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return typeof stored === 'object' && stored !== null && 'json' in stored ? stored.json : undefined;
}

interface Part {
  readonly offset: number;
  readonly size: number;
}

async function partOf(content: ArtifactContent, path: string | undefined): Promise<Part> {
  if (path === undefined) return { offset: 0, size: content.size };
  const listing = await listDirectory(content, { most: MOST_FILES }).catch(() => undefined);
  const file = listing?.files.find((each) => each.path === path);
  if (file === undefined) throw new Refusal(404, 'no-such-file', 'the artifact has no such file');
  return file;
}

async function shownType(content: ArtifactContent | PartsOfContent, part: Part): Promise<string> {
  const start = await readBytes(content, { offset: part.offset, size: Math.min(512, part.size) });
  const type = shownImageType(start) ?? mediaType(start);
  if (type !== undefined) return type;
  throw new Refusal(415, 'not-shown', 'only images, sound and films are shown; this is a download');
}

async function readBytes(content: ArtifactContent | PartsOfContent, part: Part): Promise<Uint8Array> {
  if ('read' in content) return content.read(part);
  if ('bytes' in content) return content.bytes.subarray(part.offset, part.offset + part.size);
  const file = await open(content.path, 'r');
  try {
    const bytes = new Uint8Array(part.size);
    const { bytesRead } = await file.read(bytes, 0, part.size, part.offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function bodyOf(
  content: ArtifactContent | PartsOfContent,
  part: Part,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>> {
  if ('read' in content) return streamOf(content, part);
  if ('bytes' in content) return new Uint8Array(content.bytes.subarray(part.offset, part.offset + part.size));
  const file = await open(content.path, 'r');
  const stream = file.createReadStream({ start: part.offset, end: part.offset + part.size - 1 });
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

/** Piece by piece, as fast as it is taken. */
function streamOf({ read }: PartsOfContent, { offset, size }: Part): ReadableStream<Uint8Array> {
  const end = offset + size;
  let at = offset;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await read({ offset: at, size: Math.min(PIECE, end - at) });
        at += bytes.byteLength;
        if (bytes.byteLength > 0) controller.enqueue(bytes);
        // Cut short: the length that was announced tells.
        if (at >= end || bytes.byteLength === 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** RFC 6266: plain letters for old readers, the name itself for the others. */
function attachment(query: BytesQuery, hash: string): string {
  const name = query.name ?? query.path?.slice(query.path.lastIndexOf('/') + 1) ?? hash.slice(7, 19);
  const plain = name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_');
  const exact = encodeURIComponent(name.replace(/\p{Surrogate}/gu, '_')).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
