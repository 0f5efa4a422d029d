import type { Codec } from './codec.js';
import { directoryCodec, fileCodec } from './file-codec.js';
import { bytesCodec, imageCodec, textCodec } from './raw-codecs.js';
import { superjsonCodec } from './superjson-codec.js';

/** In the order in which they are asked; the last one takes everything. Registered ones come before all. */
export const builtInCodecs: readonly Codec[] = [
  fileCodec,
  directoryCodec,
  textCodec,
  imageCodec,
  bytesCodec,
  superjsonCodec,
];

export const builtInCodec = (id: string): Codec | undefined => builtInCodecs.find((codec) => codec.id === id);
