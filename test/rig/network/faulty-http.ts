import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * - `errors`: two of three requests are answered with 500 or 503 (SlowDown).
 * - `resets`: two of three connections end without an answer, some of them in the middle of a body.
 * - `slow`: every answer comes `SLOW_MS` late.
 * - `silent`: nothing is answered, until the fault is over; then everything is.
 */
export type HttpFault = 'errors' | 'resets' | 'slow' | 'silent';
const SLOW_MS = 400;

/** Stands before an HTTP server and spoils what passes, as long as it is told to. */
export class FaultyHttp {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  #fault: HttpFault | undefined;
  #passed = 0;
  /** How many requests a fault has met. */
  spoiled = 0;
  #held: (() => void)[] = [];

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (incoming: IncomingMessage, answer: ServerResponse) =>
      this.#handle(incoming, answer),
    );
  }

  static async before(target: number): Promise<FaultyHttp> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultyHttp(server, target);
  }

  begin(fault: HttpFault): void {
    this.#fault = fault;
  }

  end(): void {
    this.#fault = undefined;
    for (const pass of this.#held.splice(0)) pass();
  }

  close(): Promise<void> {
    this.end();
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #handle(incoming: IncomingMessage, answer: ServerResponse): void {
    this.#passed += 1;
    const pass = (): void => this.#pass(incoming, answer);
    const spoils = this.#fault === 'slow' || this.#fault === 'silent' || this.#passed % 3 !== 0;
    if (this.#fault === undefined || !spoils) return pass();
    this.spoiled += 1;
    if (this.#fault === 'slow') setTimeout(pass, SLOW_MS);
    else if (this.#fault === 'silent') this.#held.push(pass);
    else if (this.#fault === 'errors') {
      incoming.resume();
      const [status, code] = this.#passed % 2 === 0 ? [500, 'InternalError'] : [503, 'SlowDown'];
      answer.writeHead(status, { 'content-type': 'application/xml' });
      answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>on purpose</Message></Error>`);
    } else if (this.#passed % 2 === 0) incoming.socket.destroy();
    else this.#pass(incoming, answer, { half: true });
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse, { half = false } = {}): void {
    const { method, url, headers } = incoming;
    const onward = request(
      { host: '127.0.0.1', port: this.#target, method, path: url, headers },
      (response) => {
        answer.writeHead(response.statusCode!, response.headers);
        // Headers that promise a body, and half of its first part.
        if (half)
          response.once('data', (part: Buffer) =>
            answer.write(part.subarray(0, part.length / 2), () => answer.destroy()),
          );
        if (half) response.once('end', () => answer.destroy());
        else response.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }
}
