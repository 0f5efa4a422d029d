import { digest, type Digest } from '@run-pipeline/core/model';
import { createHash, hash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Reads of this size hash at full speed (64 KiB ones at less than half). */
export const READ_SIZE = 1024 * 1024;

/** The hash of bytes, or of parts in order. */
export function sha256(...parts: readonly Uint8Array[]): Digest {
  if (parts.length === 1) return digest(`sha256:${hash('sha256', parts[0]!, 'hex')}`);
  const state = sha256Stream();
  for (const part of parts) state.update(part);
  return state.digest();
}

/** A hash over what comes. */
export function sha256Stream(): { update(bytes: Uint8Array): void; digest(): Digest } {
  const state = createHash('sha256');
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => digest(`sha256:${state.digest('hex')}`),
  };
}

/** The hash of a file's content, reading as it goes. */
export async function hashFile(path: string): Promise<{ readonly hash: Digest; readonly size: number }> {
  const state = sha256Stream();
  let size = 0;
  for await (const chunk of readChunks(path)) {
    state.update(chunk);
    size += chunk.byteLength;
  }
  return { hash: state.digest(), size };
}

/**
 * The content of a file in pieces; a piece is overwritten by the one after the next. The next piece
 * is being read while this one is worked on.
 */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  let reading: Promise<Uint8Array> | undefined;
  try {
    const buffers = [Buffer.allocUnsafeSlow(READ_SIZE), Buffer.allocUnsafeSlow(READ_SIZE)];
    const read = async (turn: number): Promise<Uint8Array> => {
      const buffer = buffers[turn % 2]!;
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      return buffer.subarray(0, bytesRead);
    };
    reading = read(0);
    for (let turn = 1; ; turn++) {
      const chunk: Uint8Array = await reading;
      if (chunk.byteLength === 0) return;
      reading = read(turn);
      yield chunk;
    }
  } finally {
    await reading?.catch(() => undefined); // left early: the read must end before the file is closed
    await file.close();
  }
}
