/** Tells people, in whole lines, how far a long transfer is; short ones are not told of. */
export class Progress {
  readonly #what: string;
  readonly #write: (line: string) => void;
  readonly #firstMs: number;
  readonly #nextMs: number;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;
  #total: number | undefined;

  constructor(options: {
    /** `downloading https://…` */
    readonly what: string;
    readonly write: (line: string) => void;
    readonly firstMs?: number;
    readonly nextMs?: number;
  }) {
    this.#what = options.what;
    this.#write = options.write;
    this.#firstMs = options.firstMs ?? 3_000;
    this.#nextMs = options.nextMs ?? 10_000;
  }

  begin(at: number, total: number | undefined): void {
    this.#at = at;
    this.#total = total;
    this.#timer ??= setTimeout(() => this.#tell(), this.#firstMs);
  }

  moved(at: number): void {
    this.#at = at;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    const total = this.#total;
    const of =
      total === undefined || total === 0
        ? ''
        : ` of ${megabytes(total)} (${Math.floor((this.#at / total) * 100)} %)`;
    this.#write(`${this.#what}: ${megabytes(this.#at)}${of}`);
    this.#timer = setTimeout(() => this.#tell(), this.#nextMs);
  }
}

function megabytes(bytes: number): string {
  const value = bytes / 1024 / 1024;
  return value >= 1000 ? `${(value / 1024).toFixed(1)} GB` : `${value.toFixed(1)} MB`;
}
