/**
 * `text()` and `image()`: how a step says that a string or bytes are more than a value. Typed as what
 * the consumer gets.
 */
const MARKER = Symbol.for('run-pipeline.marker');

/** An image as a value: its bytes, as they are in a file, and what they are. */
export interface ImageValue {
  readonly bytes: Uint8Array;
  /** `image/png`, `image/jpeg`, `image/svg+xml` … */
  readonly mime: string;
}

type Marker =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'image'; readonly image: ImageValue };

const MIME = /^image\/[A-Za-z0-9][A-Za-z0-9.+-]{0,60}$/;

/**
 * Keeps a string as text, shown and exported as it is: a report, a log, a query. The consumer gets
 * the string. (A plain string needs nothing; it is kept as a value.)
 *
 * @example
 * ```ts
 * const report = (accuracy: number): string => text(`# Report\n\naccuracy ${accuracy}`);
 * ```
 */
export function text(value: string): string {
  if (typeof value !== 'string') throw new TypeError('text() takes a string');
  return mark({ kind: 'text', text: value }) as unknown as string;
}

/**
 * Keeps encoded image bytes as an image, which the page shows.
 *
 * @example
 * ```ts
 * const chart = (png: Buffer): ImageValue => image(png, { mime: 'image/png' });
 * ```
 */
export function image(bytes: Uint8Array, options: { readonly mime: string }): ImageValue {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('image() takes the bytes of an image file');
  if (!MIME.test(options.mime))
    throw new TypeError(
      `image(): ${JSON.stringify(options.mime)} is not the type of an image, such as image/png`,
    );
  return mark({ kind: 'image', image: { bytes, mime: options.mime } }) as unknown as ImageValue;
}

const mark = (marker: Marker): object => Object.freeze({ [MARKER]: marker });

export function markerOf(value: unknown): Marker | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Not through the value itself: it may be a Proxy that answers for every key.
  return Object.getOwnPropertyDescriptor(value, MARKER)?.value as Marker | undefined;
}
