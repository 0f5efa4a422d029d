import type { Readable, Transform } from 'node:stream';
import { isPassingConnection } from '../../s3/connection-failure.js';

/** By what a later answer shows that the content is the same; whatever of it the server tells. */
export interface Validators {
  readonly etag?: string;
  /** As the server wrote it. */
  readonly lastModified?: string;
  readonly size?: number;
}

/** Content that may be asked for from a place on. */
export type RemoteAnswer =
  /** What `known` describes is still what is there. */
  | { readonly kind: 'same' }
  | {
      readonly kind: 'content';
      /** The byte it begins with: the one that was asked for, or 0. */
      readonly from: number;
      /** Bytes of the whole, as they travel; undefined: the server does not say. */
      readonly total: number | undefined;
      readonly body: Readable;
      /** Undoes the encoding it travels in; then it cannot be continued. */
      readonly decoder: Transform | undefined;
      readonly validators: Validators;
      /** What an etag that is good for continuing says; without one it is begun anew. */
      readonly continues: string | undefined;
      /** What the server calls the file. */
      readonly fileName: string | undefined;
    };

export interface Remote {
  /** For messages. */
  readonly shown: string;
  /** From the address. */
  readonly fileName: string;
  /**
   * @throws TransientFailure when trying again may help; another error when not.
   */
  ask(options: {
    readonly from: number;
    /** With `from`: nothing else may be continued. */
    readonly continues: string | undefined;
    readonly known: Validators | undefined;
    readonly signal: AbortSignal;
  }): Promise<RemoteAnswer>;
}

/** What may pass: a server that is busy, a connection that broke. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure';
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    options: { readonly retryAfter?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfter = options.retryAfter;
  }
}

/** What was to be continued is another one now. */
export class ContentChanged extends TransientFailure {
  constructor() {
    super('the content changed while it was read');
  }
}

/** Is it a failure of a connection that may pass? */
export const isPassing = (error: unknown): boolean =>
  error instanceof TransientFailure || isPassingConnection(error);
