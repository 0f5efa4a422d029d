import { StringDecoder } from 'node:string_decoder';

export type ConsoleSink = (stream: 'stdout' | 'stderr', text: string) => void;

export interface ConsoleCapture {
  /** Writes to the real stderr and is not captured. */
  say(text: string): void;
  end(): void;
}

type Write = (chunk: unknown, encoding?: unknown, done?: unknown) => boolean;

/**
 * Hears what this process prints through its own streams (`console`, `process.stdout`), and changes nothing
 * about it. What native code and child processes print goes past it.
 */
export function captureConsole(sink: ConsoleSink): ConsoleCapture {
  const stderr = process.stderr.write;
  const ends = (['stdout', 'stderr'] as const).map((name) => captureStream(name, sink));
  return {
    say(text) {
      Reflect.apply(stderr, process.stderr, [text]);
    },
    end() {
      for (const end of ends) end();
    },
  };
}

function captureStream(name: 'stdout' | 'stderr', sink: ConsoleSink): () => void {
  const stream = process[name];
  const original = stream.write as Write;
  // Bytes may be cut within a character.
  const decoder = new StringDecoder('utf8');
  let inside = false;
  const write: Write = function (this: unknown, ...args) {
    // What is printed while this prints (a stream that writes to itself) was heard already.
    if (!inside) {
      inside = true;
      try {
        const text = textOf(args[0], args[1], decoder);
        if (text !== '') sink(name, text);
      } catch {
        // What a program prints must not fail for being recorded.
      } finally {
        inside = false;
      }
    }
    return Reflect.apply(original, this, args);
  };
  stream.write = write as typeof stream.write;
  return () => {
    const rest = decoder.end();
    if (rest !== '') sink(name, rest);
    // Somebody may have wrapped it since.
    if ((stream.write as Write) === write) stream.write = original as typeof stream.write;
  };
}

function textOf(chunk: unknown, encoding: unknown, decoder: StringDecoder): string {
  if (typeof chunk === 'string') {
    const isText = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding);
    return isText ? chunk : decoder.write(Buffer.from(chunk, encoding as BufferEncoding));
  }
  return chunk instanceof Uint8Array ? decoder.write(Buffer.from(chunk)) : '';
}
