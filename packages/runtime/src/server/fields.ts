import { badRequest } from './refusal.js';

/**
 * The fields of a query or of a JSON body, taken one by one and checked. What nobody took is an error:
 * a misspelt field must not be an unnoticed default.
 */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #textual: boolean;
  readonly #taken = new Set<string>();

  private constructor(values: ReadonlyMap<string, unknown>, textual: boolean) {
    this.#values = values;
    this.#textual = textual;
  }

  static ofQuery(query: URLSearchParams): Fields {
    const values = new Map<string, string>();
    for (const [name, value] of query) {
      if (values.has(name)) throw badRequest(`${show(name)} was given twice`);
      values.set(name, value);
    }
    return new Fields(values, true);
  }

  static ofBody(body: unknown): Fields {
    return new Fields(new Map(Object.entries(plainObject(body, 'the body'))), false);
  }

  text(name: string, options: { readonly most: number }): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw badRequest(`${show(name)} must be text`);
    if (value.length > options.most)
      throw badRequest(`${show(name)} is longer than ${options.most} characters`);
    return value;
  }

  required(name: string, options: { readonly most: number }): string {
    const value = this.text(name, options);
    if (value === undefined || value === '') throw badRequest(`${show(name)} is missing`);
    return value;
  }

  integer(name: string, range: { readonly least: number; readonly most: number }): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const number =
      this.#textual && typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number))
      throw badRequest(`${show(name)} must be a whole number`);
    if (number < range.least || number > range.most)
      throw badRequest(`${show(name)} must be between ${range.least} and ${range.most}`);
    return number;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const found = values.find((item) => item === value);
    if (found === undefined) throw badRequest(`${show(name)} must be one of ${values.join(', ')}`);
    return found;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw badRequest(`${show(name)} must be true or false`);
  }

  /** An object of texts: names to values. */
  texts(
    name: string,
    most: { readonly names: number; readonly characters: number },
  ): { readonly [name: string]: string } {
    const value = this.#take(name);
    const entries = value === undefined ? [] : Object.entries(plainObject(value, show(name)));
    if (entries.length > most.names) throw badRequest(`${show(name)} has more than ${most.names} entries`);
    for (const [key, text] of entries) {
      if (typeof text !== 'string') throw badRequest(`${show(name)}: ${show(key)} must be text`);
      if (text.length > most.characters)
        throw badRequest(`${show(name)}: ${show(key)} is longer than ${most.characters} characters`);
    }
    return Object.fromEntries(entries as [string, string][]);
  }

  /** A nested object. */
  object(name: string): Fields | undefined {
    const value = this.#take(name);
    return value === undefined ? undefined : Fields.ofBody(value);
  }

  /** Anything; the caller looks at it. */
  any(name: string): unknown {
    return this.#take(name);
  }

  end(): void {
    for (const name of this.#values.keys())
      if (!this.#taken.has(name)) throw badRequest(`there is no field ${show(name)}`);
  }

  #take(name: string): unknown {
    this.#taken.add(name);
    return this.#values.get(name) ?? undefined;
  }
}

function plainObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw badRequest(`${what} must be an object`);
}

/** A name of the client's in a message: bounded, quoted. */
const show = (name: string): string => JSON.stringify(name.slice(0, 80));

/** Without the keys that are undefined: what `exactOptionalPropertyTypes` wants of optional ones. */
export function present<T extends object>(value: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;
}
