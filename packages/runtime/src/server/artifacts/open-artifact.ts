import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { isRunPipelineError, type Digest } from '@run-pipeline/core/model';
import type { ArtifactPage } from '@run-pipeline/core/wire';
import {
  builtInCodec,
  listDirectory,
  registerCodec,
  type ArchivedFile,
  type StoredBytes,
} from '../../artifacts/index.js';
import { delimiterOf, readDelimited } from './delimited.js';
import { mediaType, shownImageType } from './media-type.js';
import { ForeignValue, pageOfLines, pageOfValue, SortOrders, type ValueQuery } from './page-of-value.js';
import type { PageRequest } from './page-request.js';
import { isDocument, LARGEST_DOCUMENT } from './quiet-document.js';

/** Text that is parsed or cut into lines; what is larger is downloaded. */
const LARGEST_TEXT = 100 * 1024 * 1024;
const MOST_FILES = 100_000;
/** Types of values that a value may hold without this process knowing their codecs. */
const MOST_FOREIGN = 50;

/** An artifact that was read, and gives one page after the other. */
export interface OpenArtifact {
  page(query: ValueQuery): Promise<ArtifactPage>;
}

/** Reads an artifact as what its type says. Runs none of the code of whoever wrote it. */
export async function openArtifact(request: PageRequest): Promise<OpenArtifact> {
  const { type } = request;
  if (type === 'directory') return openDirectory(request);
  if (type === 'image' && request.mime !== undefined) {
    const mime = shownImageType(await head(request, { offset: 0, size: request.size }));
    return always(
      mime !== undefined && mime === request.mime
        ? { kind: 'image', mime }
        : bytesPage(mime === undefined ? 'no browser shows it' : 'the image is of another type than it says'),
    );
  }
  if (type === 'file' || type === 'bytes' || type === 'image' || type === 'text') {
    const whole = { offset: 0, size: request.size };
    return openFile(
      request,
      whole,
      type === 'file' ? (request.fileName ?? '') : type === 'text' ? '.txt' : '',
    );
  }
  if (type !== 'superjson')
    return always(bytesPage(`values of type ${type} are read by the program that registered them`));
  return openValue(request);
}

const always = (page: ArtifactPage): OpenArtifact => ({ page: () => Promise.resolve(page) });
const bytesPage = (reason: string): ArtifactPage => ({ kind: 'bytes', reason });

async function openValue(request: PageRequest): Promise<OpenArtifact> {
  const value = await decode(request);
  const orders = new SortOrders();
  return { page: async (query) => pageOfValue(value, query, orders) };
}

async function decode(request: PageRequest): Promise<unknown> {
  const codec = builtInCodec(request.type)!;
  const stored: StoredBytes = {
    codecVersion: request.codecVersion,
    hash: request.hash as Digest,
    size: request.size,
    meta: {},
    bytes: () => readPart(request, { offset: 0, size: request.size }),
    file: () => Promise.reject(new Error('a value is not a file')),
  };
  for (let foreign = 0; ; foreign++) {
    try {
      return await codec.decode(stored, { directory: '' });
    } catch (error) {
      const unknown = foreignCodec(error);
      if (unknown === undefined || foreign === MOST_FOREIGN) throw error;
      // Instances of the user's own types inside the value: shown as what they are, by name and size.
      registerCodec<ForeignValue>({
        id: unknown,
        version: Number.MAX_SAFE_INTEGER,
        is: (value): value is ForeignValue => value instanceof ForeignValue && value.codec === unknown,
        encode: () => new Uint8Array(),
        decode: (bytes) => new ForeignValue(unknown, bytes.byteLength),
      });
    }
  }
}

const foreignCodec = (error: unknown): string | undefined =>
  isRunPipelineError(error) && error.code === 'codec-unknown'
    ? /of type ([A-Za-z][\w.-]*)$/.exec(error.message)?.[1]
    : undefined;

interface Part {
  readonly offset: number;
  readonly size: number;
}

/** A file by its content, and by its name where that says more. */
async function openFile(request: PageRequest, part: Part, name: string): Promise<OpenArtifact> {
  if (!request.asText) {
    const start = await head(request, part);
    const image = shownImageType(start);
    if (image !== undefined) return always({ kind: 'image', mime: image });
    const media = mediaType(start);
    if (media !== undefined) return always({ kind: 'media', mime: media });
    if (isDocument(name) && part.size <= LARGEST_DOCUMENT) return always({ kind: 'document' });
  }
  if (part.size > LARGEST_TEXT) return always(bytesPage('it is too large to look into'));
  const bytes = await readPart(request, part);
  const text = utf8(bytes);
  if (text === undefined) return always(bytesPage('it is no text'));
  const structured = request.asText ? undefined : structuredOf(name, text);
  if (structured === undefined) {
    const lines = text.split(/\r?\n/);
    return { page: async (query) => pageOfLines(lines, query) };
  }
  const orders = new SortOrders();
  return { page: async (query) => pageOfValue(structured.value, query, orders) };
}

function structuredOf(name: string, text: string): { readonly value: unknown } | undefined {
  const extension = extname(name).toLowerCase();
  if (extension === '.csv' || extension === '.tsv') {
    const rows = readDelimited(text, delimiterOf(name, text));
    return rows === undefined ? undefined : { value: rows };
  }
  try {
    if (extension === '.json') return { value: JSON.parse(text) };
    if (extension === '.ndjson' || extension === '.jsonl') {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      return { value: lines.map((line): unknown => JSON.parse(line)) };
    }
  } catch {
    // Shown as the text that it is.
  }
  return undefined;
}

async function openDirectory(request: PageRequest): Promise<OpenArtifact> {
  const { files, total } = await listDirectory(request.content, { most: MOST_FILES });
  const byPath = new Map(files.map((file) => [file.path, file]));
  const opened = new Map<string, Promise<OpenArtifact>>();
  return {
    async page(query) {
      const [path, ...rest] = query.path;
      if (path === undefined) {
        const shown = files.slice(query.offset, query.offset + query.limit);
        return { kind: 'files', files: shown.map(({ path: name, size }) => ({ path: name, size })), total };
      }
      const file = byPath.get(path);
      if (file === undefined) return bytesPage('the directory has no such file');
      const inside = recentFile(opened, file, request);
      return (await inside).page({ ...query, path: rest });
    },
  };
}

/** The file that was looked at last; another one takes its place. */
function recentFile(
  opened: Map<string, Promise<OpenArtifact>>,
  file: ArchivedFile,
  request: PageRequest,
): Promise<OpenArtifact> {
  let found = opened.get(file.path);
  if (found === undefined) {
    opened.clear();
    found = openFile(request, file, file.path);
    opened.set(file.path, found);
  }
  return found;
}

const head = (request: PageRequest, part: Part): Promise<Uint8Array> =>
  readPart(request, { offset: part.offset, size: Math.min(part.size, 4096) });

async function readPart({ content }: PageRequest, part: Part): Promise<Uint8Array> {
  if ('bytes' in content) return content.bytes.slice(part.offset, part.offset + part.size);
  const file = await open(content.path, 'r');
  try {
    const bytes = new Uint8Array(part.size);
    for (let at = 0; at < bytes.byteLength;) {
      const { bytesRead } = await file.read(bytes, at, bytes.byteLength - at, part.offset + at);
      if (bytesRead === 0) throw new Error('the artifact is shorter than its record says');
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** Undefined when it is not text: UTF-8 that is malformed, or that holds NUL. */
function utf8(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8_192).includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
