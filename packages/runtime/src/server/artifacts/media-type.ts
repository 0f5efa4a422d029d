import { imageType } from '../../task/image-type.js';

/** Images that are shown: as pixels, or (SVG) as a picture in which no script runs and nothing is loaded. */
const IMAGES = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/svg+xml',
]);

/** The type of an image that the page shows, by its first bytes, whatever its name says. */
export function shownImageType(bytes: Uint8Array): string | undefined {
  const type = imageType(bytes);
  return type !== undefined && IMAGES.has(type) ? type : undefined;
}

/** The type of sound or a film that browsers play, by its first bytes; `undefined` for anything else. */
export function mediaType(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 512)).toString(
    'latin1',
  );
  const brand = /^.{4}ftyp(.{4})/s.exec(start)?.[1];
  if (brand !== undefined && !/^(?:avi[fs]|heic|heix|mif1|msf1)$/.test(brand))
    return /^M4[AB] $/.test(brand) ? 'audio/mp4' : brand === 'qt  ' ? 'video/quicktime' : 'video/mp4';
  if (start.startsWith('\x1a\x45\xdf\xa3') && start.includes('webm')) return 'video/webm';
  if (start.startsWith('OggS')) return start.includes('theora') ? 'video/ogg' : 'audio/ogg';
  if (/^RIFF.{4}WAVE/s.test(start)) return 'audio/wav';
  if (start.startsWith('fLaC')) return 'audio/flac';
  // MPEG: a tag before it, or its frames at once (layer III; ADTS).
  if (/^ID3[\x02-\x04]/.test(start) || /^\xff[\xfb\xf3\xf2][\x10-\xef]/.test(start)) return 'audio/mpeg';
  if (/^\xff[\xf0\xf1\xf8\xf9]/.test(start)) return 'audio/aac';
  return undefined;
}
