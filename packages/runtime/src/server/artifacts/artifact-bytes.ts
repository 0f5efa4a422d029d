import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { listDirectory } from '../../artifacts/index.js';
import { imageType } from '../../task/image-type.js';
import type { Fields } from '../fields.js';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';
import { findContent, type ArtifactContent } from './artifact-content.js';
import { readRange } from './range.js';

const MOST_FILES = 100_000;
/** Images that a browser decodes as pixels, whatever is in them. An SVG is a document, and stays a download. */
const INLINE = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);

/** What a request for bytes may say. */
export interface BytesQuery {
  /** Show an image; of anything else the request is refused. */
  readonly inline: boolean;
  /** What the download is called. */
  readonly name: string | undefined;
  /** A file of a directory. */
  readonly path: string | undefined;
}

export function readBytesQuery(fields: Fields): BytesQuery {
  return {
    inline: fields.oneOf('inline', ['1']) === '1',
    name: fields.text('name', { most: 300 }),
    path: fields.text('path', { most: 4_096 }),
  };
}

/**
 * The bytes of an artifact, with ranges. Nothing that a run made becomes a document of this origin: they
 * are an attachment of no type, in a sandbox, except for the pixels of an image.
 */
export async function artifactBytes(
  context: ServerContext,
  hash: string,
  query: BytesQuery,
  request: {
    readonly method: string;
    readonly range: string | undefined;
    readonly ifNoneMatch: string | undefined;
  },
): Promise<Response> {
  const content = await findContent(context, hash);
  const part = await partOf(content, query.path);
  const type = query.inline ? await shownType(content, part) : 'application/octet-stream';
  const tag = `"${hash.slice('sha256:'.length)}${query.path === undefined ? '' : `-${part.offset}`}"`;
  const headers: Record<string, string> = {
    'content-type': type,
    'content-disposition': query.inline ? 'inline' : attachment(query, hash),
    'content-security-policy': "default-src 'none'; sandbox",
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

async function shownType(content: ArtifactContent, part: Part): Promise<string> {
  const start = await readBytes(content, { offset: part.offset, size: Math.min(512, part.size) });
  const type = imageType(start);
  if (type !== undefined && INLINE.has(type)) return type;
  throw new Refusal(415, 'not-an-image', 'only images are shown; this is a download');
}

async function readBytes(content: ArtifactContent, part: Part): Promise<Uint8Array> {
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
  content: ArtifactContent,
  part: Part,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>> {
  if ('bytes' in content) return new Uint8Array(content.bytes.subarray(part.offset, part.offset + part.size));
  const file = await open(content.path, 'r');
  const stream = file.createReadStream({ start: part.offset, end: part.offset + part.size - 1 });
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
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
