import { types } from 'node:util';
import { binaryKind, bytesOf, isBinary } from './binary-view.js';
import { isRowTable } from './table.js';

/** Bytes of a preview, at most. */
export const PREVIEW_LIMIT = 4096;
const MAX_ROWS = 20;
const MAX_DEPTH = 6;
const MAX_ITEMS = 40;
const MAX_STRING = 400;

/**
 * A bounded look at a value, for people: JSON-like, tables as their first rows, one a line. The cost
 * does not grow with the value, no code of the value runs, and nothing in it controls a terminal.
 */
export function previewValue(value: unknown): string {
  const printer = new Printer(PREVIEW_LIMIT);
  try {
    if (isRowTable(value)) {
      const shown = value.slice(0, MAX_ROWS);
      for (const row of shown) {
        printer.value(row, 1);
        printer.text('\n');
      }
      if (value.length > shown.length) printer.text(`… ${value.length - shown.length} more rows`);
    } else {
      printer.value(value, 0);
    }
  } catch {
    printer.text('…'); // a preview is never a reason to fail
  }
  return cut(printer.result().trimEnd());
}

/** Text as it is, cut, with everything that could control a terminal made visible. */
export const previewText = (text: string): string => cut(printable(text.slice(0, PREVIEW_LIMIT)));

// C0 and C1 controls (without tab and newline), direction marks, line separators, lone surrogates.
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** At most PREVIEW_LIMIT bytes, never half a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= PREVIEW_LIMIT) return text;
  const mark = '…';
  let end = PREVIEW_LIMIT - Buffer.byteLength(mark);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + mark;
}

class Printer {
  #parts: string[] = [];
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  result(): string {
    return this.#parts.join('');
  }

  text(text: string): void {
    this.#parts.push(text);
    this.#left -= text.length;
  }

  value(value: unknown, depth: number): void {
    if (this.#left <= 0) return;
    switch (typeof value) {
      case 'string':
        return this.text(quote(value));
      case 'bigint':
        return this.text(`${String(value).slice(0, MAX_STRING)}n`);
      case 'number':
        return this.text(Object.is(value, -0) ? '-0' : String(value));
      case 'function':
        return this.text('[function]');
      case 'object':
        return value === null ? this.text('null') : this.#object(value, depth);
      default:
        return this.text(printable(String(value)));
    }
  }

  #object(value: object, depth: number): void {
    if (types.isProxy(value)) return this.text('[Proxy]');
    if (isBinary(value)) return this.#binary(value);
    if (types.isDate(value))
      return this.text(
        Number.isNaN(Date.prototype.getTime.call(value))
          ? 'Invalid Date'
          : Date.prototype.toISOString.call(value),
      );
    if (types.isRegExp(value))
      return this.text(printable(RegExp.prototype.toString.call(value).slice(0, MAX_STRING)));
    if (types.isNativeError(value)) return this.text(printable(errorText(value)));
    if (depth >= MAX_DEPTH) return this.text(Array.isArray(value) ? '[…]' : '{…}');
    if (Array.isArray(value))
      return this.#items('[', ']', value, value.length, (item) => this.value(item, depth + 1));
    if (types.isSet(value))
      return this.#items(`Set(${value.size}) {`, '}', value, value.size, (item) =>
        this.value(item, depth + 1),
      );
    if (types.isMap(value)) {
      return this.#items(
        `Map(${value.size}) {`,
        '}',
        value as Map<unknown, unknown>,
        value.size,
        ([key, item]) => {
          this.value(key, depth + 1);
          this.text(' => ');
          this.value(item, depth + 1);
        },
      );
    }
    const prefix = instancePrefix(value);
    if (prefix === 'URL ') return this.text(quote((value as URL).href));
    const keys = Object.keys(value);
    return this.#items(`${prefix}{`, '}', keys, keys.length, (key) => {
      this.text(/^[\w$]{1,80}$/.test(key) ? `${key}: ` : `${quote(key)}: `);
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (property !== undefined && 'value' in property) this.value(property.value, depth + 1);
      else this.text('[getter]');
    });
  }

  #items<T>(open: string, close: string, items: Iterable<T>, total: number, print: (item: T) => void): void {
    this.text(open);
    let count = 0;
    for (const item of items) {
      if (count === MAX_ITEMS || this.#left <= 0) break;
      if (count++ > 0) this.text(', ');
      print(item);
    }
    if (count < total) this.text(`${count > 0 ? ', ' : ''}… ${total - count} more`);
    this.text(close);
  }

  #binary(value: ArrayBufferView | ArrayBuffer): void {
    const name = binaryKind(value) ?? 'bytes';
    if (ArrayBuffer.isView(value) && /(?:Int|Float)\w*Array$/.test(name)) {
      const numbers = value as unknown as ArrayLike<number | bigint> & Iterable<number | bigint>;
      return this.#items(`${name}(${numbers.length}) [`, ']', numbers, numbers.length, (item) =>
        this.value(item, MAX_DEPTH),
      );
    }
    const bytes = bytesOf(value);
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_ITEMS)).toString(
      'hex',
    );
    this.text(`${name}(${value.byteLength}) <${hex}${value.byteLength > MAX_ITEMS ? '…' : ''}>`);
  }
}

const quote = (text: string): string =>
  printable(JSON.stringify(text.length > MAX_STRING ? `${text.slice(0, MAX_STRING)}…` : text));

function errorText(error: Error): string {
  const message = Object.getOwnPropertyDescriptor(error, 'message')?.value as unknown;
  const name =
    (Object.getPrototypeOf(error) as { readonly constructor?: { readonly name?: string } } | null)
      ?.constructor?.name ?? 'Error';
  return `${name}: ${typeof message === 'string' ? message.slice(0, MAX_STRING) : ''}`;
}

/** `Matrix ` for an instance of a class, nothing for a plain object. */
function instancePrefix(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return '';
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
  const name =
    typeof constructor === 'function'
      ? Object.getOwnPropertyDescriptor(constructor, 'name')?.value
      : undefined;
  return typeof name === 'string' && name !== '' ? `${printable(name.slice(0, 80))} ` : '';
}
