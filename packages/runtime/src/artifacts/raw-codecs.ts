import { types } from 'node:util';
import { binaryFromBytes, binaryKind, binaryProblem, bytesOf } from './binary-view.js';
import type { Codec } from './codec.js';
import { markerOf, type ImageValue } from './markers.js';
import { previewText, previewValue, PREVIEW_LIMIT } from './preview.js';
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

/** A Buffer or Uint8Array returned as it is. */
export const bytesCodec: Codec = {
  id: 'bytes',
  version: 1,
  matches: (value) => !types.isProxy(value) && viewName(value) !== undefined,
  encode(value, { path }) {
    const view = value as Uint8Array;
    const problem = binaryProblem(view);
    if (problem !== undefined) throw artifactLossy(path, problem);
    return {
      content: bytesOf(view),
      meta: { view: viewName(view) },
      preview: previewValue(view.subarray(0, PREVIEW_LIMIT)),
    };
  },
  async decode(stored) {
    const value = binaryFromBytes(
      stored.meta['view'] === 'Uint8Array' ? 'Uint8Array' : 'Buffer',
      await stored.bytes(),
    );
    if (value === undefined) throw artifactDamaged('stored bytes are malformed');
    return value;
  },
};

function viewName(value: unknown): 'Buffer' | 'Uint8Array' | undefined {
  const name = value instanceof Uint8Array ? binaryKind(value) : undefined;
  return name === 'Buffer' || name === 'Uint8Array' ? name : undefined;
}

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
