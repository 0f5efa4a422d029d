import type { ServerResponse } from 'node:http';
import type { StreamMessage } from '@run-pipeline/core/wire';

/**
 * One reader of the stream. What it was not told yet is never kept here: a cursor says how far it is,
 * and while its socket is full nothing is read for it, so that a slow reader costs no memory.
 */
export class Connection {
  /** Run to the last sequence number that was told. */
  readonly runs: Map<string, number>;
  readonly logs: FollowedLog[];
  readonly list: boolean;
  readonly fleet: boolean;
  /** Lines of the list that changed while the socket was full. */
  readonly changed = new Set<string>();
  /** Runs that it was told are lost. */
  readonly lost = new Set<string>();
  /** It has to read the list again, and was not told yet. */
  reload = false;
  closed = false;
  readonly #response: ServerResponse;
  #full = false;

  constructor(
    response: ServerResponse,
    followed: Pick<Connection, 'runs' | 'logs' | 'list' | 'fleet'>,
    onDrain: () => void,
  ) {
    this.#response = response;
    this.runs = followed.runs;
    this.logs = followed.logs;
    this.list = followed.list;
    this.fleet = followed.fleet;
    response.on('drain', () => {
      this.#full = false;
      onDrain();
    });
  }

  /** The socket takes more. */
  get ready(): boolean {
    return !this.closed && !this.#full;
  }

  send(message: StreamMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** A message that is JSON already, since others get the same one. */
  sendText(json: string): void {
    this.#write(`data: ${json}\n\n`);
  }

  /** Keeps proxies and sockets awake, and tells us of a reader that is gone. */
  beat(): void {
    this.#write(': \n\n');
  }

  end(): void {
    if (this.closed) return;
    this.closed = true;
    this.#response.end();
  }

  #write(text: string): void {
    if (this.closed) return;
    if (!this.#response.write(text)) this.#full = true;
  }
}

export interface FollowedLog {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  seq: number;
}
