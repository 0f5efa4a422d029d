import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import type { S3Address } from './address.js';
import { bucketError } from './bucket-error.js';
import { backoff, insist, RequestTimeout, transferMs, type Patience } from './patience.js';
import type { S3 } from './s3-client.js';
import { s3FailureKind, s3Status } from './s3-failure.js';
import { uploadObject, type UploadContent } from './s3-upload.js';

/** What is larger is sent in parts of this size. */
const PART_BYTES = 8 * 1024 * 1024;
const PARALLEL_PARTS = 4;
/** How often an upload whose parts were removed by somebody is begun anew. */
const MOST_UPLOADS = 3;

export interface ObjectFacts {
  readonly key: string;
  readonly size: number;
  /** By the clock of this process. */
  readonly modifiedAt: number;
}

/**
 * The part of a bucket that is ours. Keys are relative to the prefix. Everything is tried again for a while, and
 * what fails for good is an error that says what to do; that an object is not there is data. Nothing relies on
 * conditional requests, on the order of listings, or on renaming (INVARIANTS 18).
 */
export class Bucket {
  readonly #address: S3Address;
  readonly #open: () => Promise<S3>;
  readonly #patience: Patience;
  #s3: Promise<S3> | undefined;

  constructor(options: {
    readonly address: S3Address;
    /** Called when it is first needed: many commands ask for no blob. */
    readonly open: () => Promise<S3>;
    readonly patience: Patience;
  }) {
    this.#address = options.address;
    this.#open = options.open;
    this.#patience = options.patience;
  }

  get shown(): string {
    return this.#address.shown;
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    const s3 = await this.#client();
    try {
      const found = await this.#insist(0, (abortSignal) =>
        s3.client.send(new s3.library.HeadObjectCommand(this.#object(key)), { abortSignal }),
      );
      return { key, size: found.ContentLength ?? 0, modifiedAt: ours(s3, found.LastModified) };
    } catch (error) {
      if (s3FailureKind(error) === 'missing') return undefined;
      throw this.#failure(error, 'looking for');
    }
  }

  /** There with all of the content, or as it was before. `confirm`: as of `S3Upload`. */
  async put(
    key: string,
    content: () => Promise<UploadContent & { readonly close?: () => Promise<void> }>,
    confirm?: () => void,
  ): Promise<void> {
    const s3 = await this.#client();
    for (let uploads = 1; ; uploads += 1) {
      const opened = await content();
      try {
        return await uploadObject({
          s3,
          bucket: this.#address.bucket,
          key: this.#key(key),
          content: opened,
          partBytes: PART_BYTES,
          parallel: PARALLEL_PARTS,
          attempt: (bytes, request) => this.#insist(bytes, request),
          ...(confirm === undefined ? {} : { confirm }),
        });
      } catch (error) {
        if (s3FailureKind(error) === 'no-upload' && uploads < MOST_UPLOADS) continue;
        throw this.#failure(error, 'storing');
      } finally {
        await opened.close?.();
      }
    }
  }

  /**
   * The bytes of an object as they come. A connection that breaks is continued where it broke, if the object is
   * still the same; undefined: there is none.
   */
  async read(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const first = await this.#ask(key, undefined);
    return first === undefined ? undefined : this.#bytes(key, first);
  }

  /** At most so many bytes from there on; undefined: there is no such object. */
  async readPart(
    key: string,
    { offset, size }: { readonly offset: number; readonly size: number },
  ): Promise<Uint8Array | undefined> {
    if (size === 0) return new Uint8Array();
    const s3 = await this.#client();
    const request = { ...this.#object(key), Range: `bytes=${offset}-${offset + size - 1}` };
    try {
      return await this.#insist(size, async (abortSignal) => {
        const got = await s3.client.send(new s3.library.GetObjectCommand(request), { abortSignal });
        const bytes = await got.Body!.transformToByteArray();
        // Not every make knows parts.
        return /^bytes \d/.test(got.ContentRange ?? '') ? bytes : bytes.subarray(offset, offset + size);
      });
    } catch (error) {
      if (s3Status(error) === 416) return new Uint8Array();
      if (s3FailureKind(error) === 'missing') return undefined;
      throw this.#failure(error, 'reading');
    }
  }

  async delete(key: string): Promise<void> {
    const s3 = await this.#client();
    try {
      await this.#insist(0, (abortSignal) =>
        s3.client.send(new s3.library.DeleteObjectCommand(this.#object(key)), { abortSignal }),
      );
    } catch (error) {
      if (s3FailureKind(error) !== 'missing') throw this.#failure(error, 'deleting');
    }
  }

  /** In no order that would mean anything. */
  async *list(folder: string): AsyncGenerator<ObjectFacts> {
    const s3 = await this.#client();
    const Prefix = this.#key(folder);
    let ContinuationToken: string | undefined;
    do {
      const query = {
        Bucket: this.#address.bucket,
        Prefix,
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      };
      const page = await this.#told('listing', (abortSignal) =>
        s3.client.send(new s3.library.ListObjectsV2Command(query), { abortSignal }),
      );
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        if (!Key.startsWith(Prefix)) continue;
        const key = Key.slice(this.#address.prefix.length);
        yield { key, size: Size, modifiedAt: ours(s3, LastModified) };
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** Aborts uploads in parts that were begun so long ago and never completed. */
  async abortStale(olderThanMs: number): Promise<number> {
    const s3 = await this.#client();
    let aborted = 0;
    let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
    while (marker !== undefined) {
      const query = { Bucket: this.#address.bucket, Prefix: this.#address.prefix, ...marker };
      let page: ListMultipartUploadsCommandOutput;
      try {
        page = await this.#insist(0, (abortSignal) =>
          s3.client.send(new s3.library.ListMultipartUploadsCommand(query), { abortSignal }),
        );
      } catch (error) {
        // Such a server has to be told by a rule of the bucket when to remove them.
        if (s3FailureKind(error) === 'unsupported') return aborted;
        throw this.#failure(error, 'looking for unfinished uploads in');
      }
      for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
        if (!Key.startsWith(this.#address.prefix)) continue;
        if (Date.now() - ours(s3, Initiated) < olderThanMs) continue;
        if (await this.#abortUpload(s3, { Bucket: this.#address.bucket, Key, UploadId })) aborted += 1;
      }
      const { NextKeyMarker, NextUploadIdMarker } = page;
      marker =
        page.IsTruncated === true && NextKeyMarker !== undefined
          ? {
              KeyMarker: NextKeyMarker,
              ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
            }
          : undefined;
    }
    return aborted;
  }

  async #abortUpload(
    s3: S3,
    upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  ): Promise<boolean> {
    try {
      await this.#insist(0, (abortSignal) =>
        s3.client.send(new s3.library.AbortMultipartUploadCommand(upload), { abortSignal }),
      );
      return true;
    } catch (error) {
      const kind = s3FailureKind(error);
      // Another `gc`, or the one who made it, was faster.
      if (kind === 'no-upload' || kind === 'missing') return false;
      throw this.#failure(error, 'removing an unfinished upload from');
    }
  }

  // ── reading ──

  /** `from`: only what `tag` says is the same is continued. */
  async #ask(
    key: string,
    from: { readonly at: number; readonly tag: string | undefined } | undefined,
  ): Promise<Answer | undefined> {
    const s3 = await this.#client();
    const request = {
      ...this.#object(key),
      ...(from === undefined ? {} : { Range: `bytes=${from.at}-` }),
    };
    try {
      const got = await this.#insist(0, (abortSignal) =>
        s3.client.send(new s3.library.GetObjectCommand(request), { abortSignal }),
      );
      const body = got.Body as Readable;
      const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(got.ContentRange ?? '');
      const at = range === null ? 0 : Number(range[1]);
      const size = range === null ? got.ContentLength : Number(range[2]);
      // We compare: not every make answers conditions rightly.
      if (from !== undefined && (at !== from.at || from.tag === undefined || got.ETag !== from.tag)) {
        body.destroy();
        throw new ObjectChanged();
      }
      return { body, at, size, tag: got.ETag };
    } catch (error) {
      if (error instanceof ObjectChanged) throw error;
      if (from !== undefined && s3Status(error) === 416) throw new ObjectChanged();
      if (s3FailureKind(error) === 'missing') return undefined;
      throw this.#failure(error, 'reading');
    }
  }

  async *#bytes(key: string, first: Answer): AsyncGenerator<Uint8Array> {
    const { size, tag } = first;
    let answer = first;
    let at = 0;
    const limit = this.#patience.totalMs + transferMs(size ?? 0);
    const began = performance.now();
    let moved = began;
    for (let tries = 0; ; tries += 1) {
      try {
        for await (const chunk of flowing(answer.body, this.#patience.stallMs)) {
          yield chunk;
          at += chunk.byteLength;
          moved = performance.now();
          tries = 0;
          if (moved - began > limit) throw new RequestTimeout(`it is still not there after ${limit} ms`);
        }
        if (size === undefined || at >= size) return;
        throw new RequestTimeout(`the connection ended after ${at} of ${size} bytes`);
      } catch (error) {
        const now = performance.now();
        if (now - moved > this.#patience.totalMs || now - began > limit)
          throw this.#failure(error, 'reading');
      }
      await delay(backoff(this.#patience, tries));
      try {
        const next = await this.#ask(key, { at, tag });
        // Removed meanwhile: who reads sees by its hash that something is missing.
        if (next === undefined) return;
        answer = next;
      } catch (error) {
        if (!(error instanceof ObjectChanged)) throw error;
        return;
      }
    }
  }

  // ── requests ──

  #client(): Promise<S3> {
    if (this.#s3 === undefined) {
      this.#s3 = this.#open();
      this.#s3.catch(() => (this.#s3 = undefined));
    }
    return this.#s3;
  }

  #key(key: string): string {
    return `${this.#address.prefix}${key}`;
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#address.bucket, Key: this.#key(key) };
  }

  #insist<T>(bytes: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const passes = (error: unknown): boolean => s3FailureKind(error) === 'passing';
    return insist({ patience: this.#patience, bytes, passes, work });
  }

  async #told<T>(doing: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#insist(0, work);
    } catch (error) {
      throw this.#failure(error, doing);
    }
  }

  #failure(error: unknown, doing: string): unknown {
    return bucketError(error, { doing, address: this.#address, patienceMs: this.#patience.totalMs });
  }
}

interface Answer {
  readonly body: Readable;
  readonly at: number;
  /** Of the whole object. */
  readonly size: number | undefined;
  readonly tag: string | undefined;
}

/** What was to be continued is another one now. */
class ObjectChanged extends Error {}

/** The server's dates, as if its clock were ours. */
const ours = (s3: S3, date: Date | undefined): number => (date?.getTime() ?? 0) - s3.clockOffset();

/** Ends a stream that stands still. The time runs only while something is waited for. */
async function* flowing(body: Readable, stallMs: number): AsyncGenerator<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    timer = setTimeout(
      () => body.destroy(new RequestTimeout(`nothing came for ${stallMs / 1000} s`)),
      stallMs,
    );
  };
  try {
    wait();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      yield chunk;
      wait();
    }
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}
