import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a server has at a path. */
export interface Served {
  readonly content: Buffer;
  /** Default: an etag over the content. `undefined` under `etag`: none. */
  readonly etag?: string | undefined;
  readonly lastModified?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A server of files as good ones are: etags, dates, ranges, 304; and as bad as a test makes it. */
export class FileServer {
  readonly requests: Seen[] = [];
  readonly files = new Map<string, Served>();
  /** Answers before the files do; true: it has. */
  intercept: Handler | undefined;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<FileServer> {
    const server = new FileServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(path: string, content: string | Buffer, more: Omit<Served, 'content'> = {}): string {
    this.files.set(path, { content: Buffer.from(content), ...more });
    return this.origin + path;
  }

  /** `GET /a.txt 200`-like lines are made by tests from these. */
  get methods(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, headers });
    if ((await this.intercept?.(request, response)) === true) return;
    const served = this.files.get(url.replace(/\?.*$/, ''));
    if (served === undefined) {
      response.writeHead(404).end();
      return;
    }
    serve(served, request, response);
  }
}

export function serve(served: Served, request: IncomingMessage, response: ServerResponse): void {
  const { content, lastModified, headers } = served;
  const etag = 'etag' in served ? served.etag : etagOf(content);
  const known = request.headers['if-none-match'];
  const since = request.headers['if-modified-since'];
  const common = {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
    ...headers,
  };
  const isSame = known === undefined ? since !== undefined && since === lastModified : known === etag;
  if (isSame && (known !== undefined || since !== undefined)) {
    response.writeHead(304, common).end();
    return;
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  if (range !== null && (condition === undefined || condition === etag)) {
    const from = Number(range[1]);
    if (from >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    response
      .writeHead(206, {
        ...common,
        'content-length': content.length - from,
        'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
      })
      .end(content.subarray(from));
    return;
  }
  response.writeHead(200, { 'content-length': content.length, ...common });
  response.end(request.method === 'HEAD' ? undefined : content);
}

export const etagOf = (content: Buffer): string =>
  `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`;

/** Sends the first bytes of a file, as if it were all of it, and ends the connection: these bytes do arrive. */
export function breakAfter(bytes: number, content: Buffer, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': content.length, etag: etagOf(content) });
  response.write(content.subarray(0, bytes), () => response.socket?.end());
}

/** A directory of a test, which is gone when the test is. */
export async function scratchDirectory(): Promise<{
  readonly path: string;
  readonly remove: () => Promise<void>;
}> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'run-pipeline-storage-')));
  return { path, remove: async () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
