import { artifactDamaged } from './value-path.js';

/**
 * Text with binary segments after it, so that binary values are neither turned into text nor copied
 * piece by piece. All numbers are little-endian; text and segments start at multiples of 8 bytes.
 *
 *     0  8 bytes   "rpsegs" 0x00 0x01
 *     8  u64       bytes of text
 *    16  u64       number of segments
 *    24  u64 each  bytes of each segment
 *        text, then the segments, each followed by zeros up to a multiple of 8
 *
 * The text of a value starts with `{`, so the first byte tells the two apart.
 */
const MAGIC = Buffer.from('rpsegs\0\x01', 'latin1');
const FIXED = 24;
const aligned = (size: number): number => Math.ceil(size / 8) * 8;

/** In parts, so that large segments are not copied. */
export function joinSegments(text: string, segments: readonly Uint8Array[]): readonly Uint8Array[] {
  const textBytes = Buffer.byteLength(text, 'utf8');
  const textStart = FIXED + 8 * segments.length;
  const head = Buffer.alloc(aligned(textStart + textBytes)); // zero-filled: padding is part of the hash
  MAGIC.copy(head, 0);
  head.writeBigUInt64LE(BigInt(textBytes), 8);
  head.writeBigUInt64LE(BigInt(segments.length), 16);
  segments.forEach((segment, index) => head.writeBigUInt64LE(BigInt(segment.byteLength), FIXED + 8 * index));
  head.write(text, textStart, 'utf8');
  return [
    head,
    ...segments.flatMap((segment) => [
      segment,
      new Uint8Array(aligned(segment.byteLength) - segment.byteLength),
    ]),
  ];
}

export interface Joined {
  readonly text: string;
  /** Views of the given bytes. */
  readonly segments: readonly Uint8Array[];
}

/** Text alone is returned as such. Every length is checked against what is there. */
export function splitSegments(bytes: Uint8Array): Joined {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (whole[0] !== MAGIC[0]) return { text: whole.toString('utf8'), segments: [] };
  if (whole.length < FIXED || !whole.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed();

  const count = sizeAt(whole, 16);
  const textStart = FIXED + 8 * count;
  if (textStart > whole.length) throw malformed();
  const textEnd = textStart + sizeAt(whole, 8);
  if (textEnd > whole.length) throw malformed();
  const segments: Uint8Array[] = [];
  let at = aligned(textEnd);
  for (let index = 0; index < count; index++) {
    const size = sizeAt(whole, FIXED + 8 * index);
    if (at + size > whole.length) throw malformed();
    segments.push(whole.subarray(at, at + size));
    at += aligned(size);
  }
  if (at !== whole.length) throw malformed();
  return { text: whole.toString('utf8', textStart, textEnd), segments };
}

function sizeAt(bytes: Buffer, offset: number): number {
  const size = bytes.readBigUInt64LE(offset);
  if (size > BigInt(bytes.length)) throw malformed();
  return Number(size);
}

const malformed = (): Error => artifactDamaged('the binary segments of a stored value are malformed');
