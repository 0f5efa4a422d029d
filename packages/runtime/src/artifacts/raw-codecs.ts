import { types } from 'node:util';
import { binaryKind, binaryOverBytes, binaryProblem, bytesOf, isBinary } from './binary-view.js';
import type { Codec } from './codec.js';
import { markerOf, type ImageValue } from './markers.js';
import { previewText } from './preview.js';
import { artifactDamaged, artifactLossy } from './value-path.js';

/** `text(…)`: UTF-8, nothing else. */
export const textCodec: Codec = {
  id: 'text',
  version: 1,
  matches: (value) => !types.isProxy(value) && markerOf(value)?.kind === 'text',
  encode(value, { path }) {
    const marker = markerOf(value);
    const content = marker?.kind === 'text' ? marker.text : '';
    // UTF-8 has no half characters: they would come back as question marks.
    if (/\p{Surrogate}/u.test(content))
      throw artifactLossy(
        path,
        'is text with half of a surrogate pair in it',
        'Clean it with toWellFormed().',
      );
    return { content: Buffer.from(content, 'utf8'), preview: previewText(content) };
  },
  decode: async (stored) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(await stored.bytes()),
};

/** A Buffer, typed array, DataView or ArrayBuffer returned as it is: its memory and nothing else. */
export const bytesCodec: Codec = {
  id: 'bytes',
  version: 1,
  matches: (value) => isBinary(value) && binaryKind(value) !== undefined,
  encode(value, { path }) {
    const view = value as ArrayBufferView | ArrayBuffer;
    const problem = binaryProblem(view);
    if (problem !== undefined) throw artifactLossy(path, problem);
    return { content: bytesOf(view), meta: { view: binaryKind(view) } };
  },
  async decode(stored) {
    const { view } = stored.meta;
    const value = binaryOverBytes(typeof view === 'string' ? view : 'Uint8Array', await stored.bytes());
    if (value === undefined) throw artifactDamaged(`stored bytes cannot be read as ${String(view)}`);
    return value;
  },
};

/** `image(…)`: the bytes of the image file; its type beside them. */
export const imageCodec: Codec = {
  id: 'image',
  version: 1,
  matches: (value) => !types.isProxy(value) && markerOf(value)?.kind === 'image',
  encode(value, { path }) {
    const marker = markerOf(value);
    if (marker?.kind !== 'image') throw artifactLossy(path, 'is not an image');
    const { bytes, mime } = marker.image;
    return { content: bytesOf(bytes), meta: { mime }, preview: `${mime}, ${bytes.byteLength} bytes` };
  },
  async decode(stored): Promise<ImageValue> {
    const mime = stored.meta['mime'];
    if (typeof mime !== 'string') throw artifactDamaged('a stored image does not say its type');
    return { bytes: await stored.bytes(), mime };
  },
};
