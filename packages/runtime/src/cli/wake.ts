/** A bell that remembers: rung while nobody listened, it ends the next wait at once. */
export class Wake {
  #rang = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#rang = true;
    this.#resolve?.();
  }

  async rung(): Promise<void> {
    if (!this.#rang) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#rang = false;
    this.#resolve = undefined;
  }
}
