/** Values and their bytes: codecs, blob store, previews. What other rooms use is listed here. */
export {
  artifactIdentity,
  encodeValue,
  hashValue,
  packValue,
  storePacked,
  type EncodeOptions,
  type HashedValue,
  type PackedValue,
} from './encode.js';
export { decodeValue, type DecodeOptions, type EncodedValue } from './decode.js';
export { builtInCodec } from './built-in.js';
export {
  registerCodec,
  registeredCodecs,
  clearCodecs,
  type Codec,
  type CodecOptions,
  type StoredBytes,
} from './codec.js';
export { text, image, type ImageValue } from './markers.js';
export { directoryBlobs, type DirectoryBlobStore } from './directory-blobs.js';
export { hashDirectory, listDirectory, type ArchivedFile } from './directory-archive.js';
export { hashFile, sha256, sha256Stream } from './sha256.js';
export { previewText, previewValue } from './preview.js';
export { toJson } from './to-json.js';
export { decodeJsonValue, encodeJsonValue } from './json-value.js';
export { arrowCodec, type ArrowLibrary } from './arrow.js';
