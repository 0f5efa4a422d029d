import { open } from 'node:fs/promises';

/** Archives that are known by their names, as people name them. */
export type ArchiveKind = 'zip' | 'tar';

const BY_NAME: readonly (readonly [RegExp, ArchiveKind])[] = [
  [/\.zip$/i, 'zip'],
  [/\.(?:tar|tgz|tar\.gz)$/i, 'tar'],
];

export const archiveKind = (fileName: string): ArchiveKind | undefined =>
  BY_NAME.find(([pattern]) => pattern.test(fileName))?.[1];

/** `iris.tar.gz` to `iris`: what the directory is called that it becomes. */
export function withoutExtension(fileName: string): string {
  const name = fileName.replace(/\.(?:zip|tar|tgz|tar\.gz)$/i, '');
  return name === '' ? 'archive' : name;
}

/** Whether a file is what its name says; a page that asks to log in often comes in the place of an archive. */
export async function isArchive(path: string, kind: ArchiveKind): Promise<boolean> {
  const head = Buffer.alloc(512);
  const file = await open(path, 'r');
  try {
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    // An empty zip holds its directory's end alone.
    if (kind === 'zip') return /^PK(?:\x03\x04|\x05\x06)/.test(head.toString('latin1', 0, 4));
    if (head[0] === 0x1f && head[1] === 0x8b) return true;
    // Old tars have no mark; an empty one is zeros.
    return bytesRead === 512 && (head.toString('latin1', 257, 262) === 'ustar' || hasChecksum(head));
  } finally {
    await file.close();
  }
}

/** The sum over a header in which the sum itself counts as spaces. */
function hasChecksum(header: Buffer): boolean {
  if (header.every((byte) => byte === 0)) return true;
  const written = parseInt(header.toString('latin1', 148, 156).replace(/\0.*$/s, '').trim(), 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return written === sum;
}
