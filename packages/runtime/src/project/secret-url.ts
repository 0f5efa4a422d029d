import { maskUrl } from '@run-pipeline/core/model';

/**
 * An address that may hold a password. However it is printed, the password is not: as a text, in JSON, in
 * `console.log` and in an error's details. Only `reveal` gives it, to a driver.
 */
export class SecretUrl {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  reveal(): string {
    return this.#url;
  }

  toString(): string {
    return maskUrl(this.#url);
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
