/**
 * Collects a task's console output so that a chatty step costs few commits: what comes within one
 * interval goes out as one event a stream, cut at `MOST` characters. Order within a stream holds;
 * across the two it is by arrival.
 */
const INTERVAL_MS = 50;
const MOST = 64 * 1024;

export interface LogBuffer {
  write(stream: 'stdout' | 'stderr', text: string): void;
  /** Sends what is left and resolves when all of it is durable. */
  end(): Promise<void>;
}

export function bufferLog(send: (stream: 'stdout' | 'stderr', text: string) => Promise<void>): LogBuffer {
  let pieces: { stream: 'stdout' | 'stderr'; text: string }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const ready = pieces;
    pieces = [];
    for (const { stream, text } of ready) last = send(stream, text);
  };

  return {
    write(stream, text) {
      if (text === '') return;
      const previous = pieces.at(-1);
      if (
        previous !== undefined &&
        previous.stream === stream &&
        previous.text.length + text.length <= MOST
      ) {
        previous.text += text;
      } else {
        for (let start = 0; start < text.length; start += MOST) {
          pieces.push({ stream, text: text.slice(start, start + MOST) });
        }
      }
      timer ??= setTimeout(flush, INTERVAL_MS);
    },
    async end() {
      flush();
      await last.catch(() => {}); // the run's log has told of it
    },
  };
}
