import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface S3Object {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly at: Date;
}

/**
 * A server that speaks S3 as its other makes do: paths with the bucket's name, no checksums but the MD5 in
 * the etag. It keeps the bytes that were sent as they were sent: encodings of the SDK's own show as damage.
 */
export class S3Server {
  readonly objects = new Map<string, S3Object>();
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** Of an upload: where it goes, and when it was begun. */
  readonly begun = new Map<string, { readonly key: string; at: Date }>();
  /** Milliseconds by which its clock is wrong. */
  clock = 0;
  /** A bucket that is not in it does not exist; undefined: all do. */
  buckets: Set<string> | undefined;
  readonly requests: string[] = [];
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Keys of one page of a listing. */
  pageSize = 1000;
  #uploadNumber = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(key: string, content: string | Buffer): void {
    const bytes = Buffer.from(content);
    this.objects.set(key, {
      bytes,
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
      at: this.#now(),
    });
  }

  /** As if it had been stored so long ago. */
  age(key: string, ms: number): void {
    const found = this.objects.get(key)!;
    this.objects.set(key, { ...found, at: new Date(this.#now().getTime() - ms) });
  }

  #now(): Date {
    return new Date(Date.now() + this.clock);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(`${request.method} ${request.url}`);
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    response.setHeader('date', this.#now().toUTCString());
    if (this.intercept?.(request, response) === true) return;
    if ((request.headers.authorization ?? '') === '') return error(response, 403, 'AccessDenied');
    const key = decodeURIComponent(url.pathname.slice(1));
    if (this.buckets?.has(key.split('/')[0]!) === false) return error(response, 404, 'NoSuchBucket');
    const sum = request.headers['content-md5'];
    const bytes = Buffer.concat(body);
    if (sum !== undefined && sum !== createHash('md5').update(bytes).digest('base64'))
      return error(response, 400, 'BadDigest');
    if (key.includes('/') && !key.endsWith('/')) this.#object(request, response, { key, url, bytes });
    else if (url.searchParams.has('uploads'))
      this.#listUploads(response, key.replace(/\/$/, ''), url.searchParams);
    else this.#list(response, key.replace(/\/$/, ''), url.searchParams);
  }

  beginUpload(key: string): string {
    const id = `upload-${(this.#uploadNumber += 1)}`;
    this.uploads.set(id, new Map());
    this.begun.set(id, { key, at: this.#now() });
    return id;
  }

  #object(
    request: IncomingMessage,
    response: ServerResponse,
    { key, url, bytes }: { readonly key: string; readonly url: URL; readonly bytes: Buffer },
  ): void {
    const upload = url.searchParams.get('uploadId');
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      const id = this.beginUpload(key);
      xml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    } else if (upload !== null) this.#part(request, response, { key, upload, url, bytes });
    else if (request.method === 'PUT') {
      this.put(key, bytes);
      response.setHeader('etag', this.objects.get(key)!.etag);
      response.end();
    } else if (request.method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
    } else this.#read(request, response, key);
  }

  #part(
    request: IncomingMessage,
    response: ServerResponse,
    {
      key,
      upload,
      url,
      bytes,
    }: { readonly key: string; readonly upload: string; readonly url: URL; readonly bytes: Buffer },
  ): void {
    const parts = this.uploads.get(upload);
    if (parts === undefined) return error(response, 404, 'NoSuchUpload');
    if (request.method === 'PUT') {
      parts.set(Number(url.searchParams.get('partNumber')), bytes);
      response.setHeader('etag', `"${createHash('md5').update(bytes).digest('hex')}"`);
      response.end();
      return;
    }
    this.uploads.delete(upload);
    this.begun.delete(upload);
    if (request.method === 'DELETE') {
      response.writeHead(204).end();
      return;
    }
    const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    this.put(key, Buffer.concat(ordered));
    xml(response, '<CompleteMultipartUploadResult><ETag>"done"</ETag></CompleteMultipartUploadResult>');
  }

  #read(request: IncomingMessage, response: ServerResponse, key: string): void {
    const found = this.objects.get(key);
    if (found === undefined) return error(response, 404, 'NoSuchKey');
    const { bytes, etag, at } = found;
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== etag) return error(response, 412, 'PreconditionFailed');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const end = Math.min(bytes.length, range?.[2] ? Number(range[2]) + 1 : bytes.length);
    if (range !== null && from >= bytes.length) return error(response, 416, 'InvalidRange');
    response.writeHead(range === null ? 200 : 206, {
      etag,
      'last-modified': at.toUTCString(),
      'content-length': end - from,
      ...(range === null ? {} : { 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from, end));
  }

  #listUploads(response: ServerResponse, bucket: string, query: URLSearchParams): void {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
    const after = query.get('upload-id-marker') ?? '';
    const all = [...this.begun].filter(([, { key }]) => key.startsWith(prefix));
    const rest = after === '' ? all : all.slice(all.findIndex(([id]) => id === after) + 1);
    const page = rest.slice(0, this.pageSize);
    const uploads = page.map(
      ([id, { key, at }]) =>
        `<Upload><Key>${key.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId><Initiated>${at.toISOString()}</Initiated></Upload>`,
    );
    const isCut = page.length < rest.length;
    const last = page.at(-1);
    const marker =
      isCut && last !== undefined
        ? `<NextKeyMarker>${last[1].key.slice(bucket.length + 1)}</NextKeyMarker><NextUploadIdMarker>${last[0]}</NextUploadIdMarker>`
        : '';
    xml(
      response,
      `<ListMultipartUploadsResult><IsTruncated>${isCut}</IsTruncated>${marker}${uploads.join('')}</ListMultipartUploadsResult>`,
    );
  }

  #list(response: ServerResponse, bucket: string, query: URLSearchParams): void {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
    const after = query.get('continuation-token') ?? '';
    // In no order that would mean anything.
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort()
      .reverse();
    const rest = after === '' ? keys : keys.slice(keys.indexOf(after) + 1);
    const page = rest.slice(0, this.pageSize);
    const contents = page.map((key) => {
      const { bytes, etag, at } = this.objects.get(key)!;
      const name = key.slice(bucket.length + 1).replace(/&/g, '&amp;');
      return `<Contents><Key>${name}</Key><Size>${bytes.length}</Size><ETag>${etag}</ETag><LastModified>${at.toISOString()}</LastModified></Contents>`;
    });
    const isCut = page.length < rest.length;
    const token = isCut ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    xml(
      response,
      `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`,
    );
  }
}

function xml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${body}`);
}

function error(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
