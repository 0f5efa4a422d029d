import {
  registeredCodec,
  registeredCodecFor,
  requireReadable,
  type Codec,
  type DecodeContext,
  type EncodeContext,
  type Encoded,
} from './codec.js';
import type { Meta } from './annotations.js';
import { isPlainJson, patchedJson } from './plain-json.js';
import { previewValue } from './preview.js';
import { joinSegments, splitSegments } from './segments.js';
import { sha256 } from './sha256.js';
import { tableMeta } from './table.js';
import { artifactDamaged, artifactLossy } from './value-path.js';
import { readValue } from './value-reader.js';
import { writeValue, type Segment } from './value-writer.js';

/** What the text of a value holds: superjson's document, and who wrote which segment. */
interface ValueDocument {
  readonly json: unknown;
  readonly meta?: Meta;
  /** Segment, codec, version: for instances of registered types. */
  readonly codecs?: readonly (readonly [segment: number, id: string, version: number])[];
}

/**
 * The codec of every value without one of its own: superjson's text, byte for byte, where the value
 * is plain JSON; beyond that its annotations, with binary values and instances of registered types in
 * segments behind the text. Equal values whose properties were set in the same order give equal bytes:
 * the order of keys is part of a value, as it is for whoever reads it.
 */
export const superjsonCodec: Codec = {
  id: 'superjson',
  version: 1,
  matches: () => true,

  encode(value, context) {
    const encoded = (content: Bytes): Encoded => {
      const meta = tableMeta(value);
      return { content, preview: previewValue(value), ...(meta === undefined ? {} : { meta }) };
    };
    const content = valueToBytes(value, context);
    return content instanceof Promise ? content.then(encoded) : encoded(content);
  },

  async decode(stored, context) {
    return bytesToValue(await stored.bytes(), context);
  },
};

type Bytes = Uint8Array | readonly Uint8Array[];

/** At once, but where a codec of an instance inside takes its time. */
function valueToBytes(value: unknown, context: EncodeContext): Bytes | Promise<Bytes> {
  const plain = withinLimits(context.path, () => {
    const fast = patchedJson() === undefined && isPlainJson(value);
    return fast ? JSON.stringify({ json: value }) : undefined;
  });
  if (plain !== undefined) return Buffer.from(plain, 'utf8');

  const written = withinLimits(context.path, () =>
    writeValue(value, {
      name: context.path,
      hasCodec: (instance) => registeredCodecFor(instance) !== undefined,
      binary: 'segments',
    }),
  );
  const segments = written.segments.map((segment) => encodeSegment(segment, context));
  const ready = segments.filter((segment): segment is EncodedSegment => !(segment instanceof Promise));
  return ready.length === segments.length
    ? documentBytes(written, ready, context)
    : Promise.all(segments).then((all) => documentBytes(written, all, context));
}

interface EncodedSegment {
  readonly bytes: Uint8Array;
  readonly codec?: Codec;
}

function documentBytes(
  written: { readonly json: unknown; readonly meta?: Meta | undefined },
  segments: readonly EncodedSegment[],
  context: EncodeContext,
): Bytes {
  const codecs = segments.flatMap(({ codec }, index) =>
    codec === undefined ? [] : [[index, codec.id, codec.version] as const],
  );
  const document: ValueDocument = {
    json: written.json,
    ...(written.meta === undefined ? {} : { meta: written.meta }),
    ...(codecs.length === 0 ? {} : { codecs }),
  };
  const text = withinLimits(context.path, () => JSON.stringify(document));
  if (segments.length === 0) return Buffer.from(text, 'utf8');
  return joinSegments(
    text,
    segments.map(({ bytes }) => bytes),
  );
}

function encodeSegment(segment: Segment, context: EncodeContext): EncodedSegment | Promise<EncodedSegment> {
  if (segment.kind === 'bytes') return segment;
  const codec = registeredCodecFor(segment.value);
  if (codec === undefined) throw artifactLossy(segment.path, 'lost its codec while it was written');
  const bytesOf = ({ content }: Encoded): EncodedSegment => {
    if (content instanceof Uint8Array) return { bytes: content, codec };
    throw artifactLossy(
      segment.path,
      `is written to a file by the codec ${codec.id}: return it under a name of its own`,
    );
  };
  const encoded = codec.encode(segment.value, { ...context, path: segment.path });
  return encoded instanceof Promise ? encoded.then(bytesOf) : bytesOf(encoded);
}

async function bytesToValue(bytes: Uint8Array, context: DecodeContext): Promise<unknown> {
  const { text, segments } = splitSegments(bytes);
  const document = parseDocument(text);
  const instances = new Map<number, unknown>();
  for (const [index, id, version] of document.codecs ?? []) {
    const segment = segments[index];
    if (segment === undefined) throw artifactDamaged('a stored value is malformed: a segment is missing');
    const codec = requireReadable(registeredCodec(id), { type: id, codecVersion: version });
    const stored = {
      codecVersion: version,
      hash: sha256(segment),
      size: segment.byteLength,
      meta: {},
      bytes: async () => new Uint8Array(segment),
      file: () => Promise.reject(new Error('a value inside another is not a file')),
    };
    instances.set(index, await codec.decode(stored, context));
  }
  return readValue({ json: document.json, meta: document.meta, segments, instances });
}

function parseDocument(text: string): ValueDocument {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw artifactDamaged('a stored value is malformed: it is not JSON', error);
  }
  if (typeof document !== 'object' || document === null || !Object.hasOwn(document, 'json')) {
    throw artifactDamaged('a stored value is malformed: it has no json');
  }
  return document as ValueDocument;
}

/** Values beyond what the engine can hold as one text or one call stack: said as such. */
export function withinLimits<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw /call stack/i.test(error.message)
      ? artifactLossy(
          path,
          'is nested too deeply to be stored',
          'Store it flat, for example as a list of nodes with indices.',
        )
      : artifactLossy(
          path,
          'is too large to be stored as one JSON text (512 MB)',
          'Use typed arrays for numbers, or return a file().',
        );
  }
}
