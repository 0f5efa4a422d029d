/** One of the two streams that a command writes to. */
export interface Output {
  readonly stream: NodeJS.WriteStream;
  write(text: string): void;
  /** The reader went away (`| head`): nothing is written any more, which is no failure. */
  readonly closed: boolean;
  /** Why else it could not be written: a full disk behind `> file`. */
  readonly failure: Error | undefined;
}

/** The reader went away; `write` after that says the same in other words. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

type Write = NodeJS.WriteStream['write'];

class StreamOutput implements Output {
  readonly stream: NodeJS.WriteStream;
  readonly #write: Write;
  closed = false;
  failure: Error | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
    // Kept, because the stream's own `write` is replaced while user code runs here (`diverted`).
    this.#write = stream.write.bind(stream);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.closed && !GONE.has(error.code ?? '')) this.failure = error;
      this.closed = true;
    });
  }

  write(text: string): void {
    if (!this.closed && text !== '') this.#write(text);
  }
}

export interface Outputs {
  readonly out: Output;
  readonly err: Output;
  /**
   * Sends what user code in this process prints (top level of the file, pipeline functions, callbacks,
   * inline steps) to `to`: it must not tear the footer, nor stand between JSON lines.
   */
  divert(to: (text: string, stream: 'stdout' | 'stderr') => void): () => void;
}

export function openOutputs(): Outputs {
  const out = new StreamOutput(process.stdout);
  const err = new StreamOutput(process.stderr);
  return {
    out,
    err,
    divert(to) {
      const undo = [
        replaceWrite(process.stdout, (text) => to(text, 'stdout')),
        replaceWrite(process.stderr, (text) => to(text, 'stderr')),
      ];
      return () => undo.forEach((restore) => restore());
    },
  };
}

function replaceWrite(stream: NodeJS.WriteStream, to: (text: string) => void): () => void {
  const original = stream.write;
  const replaced = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    to(bytes.toString('utf8'));
    const done = rest.find((item) => typeof item === 'function') as (() => void) | undefined;
    if (done !== undefined) queueMicrotask(done);
    return true;
  };
  stream.write = replaced as Write;
  return () => {
    if (stream.write === (replaced as Write)) stream.write = original;
  };
}
