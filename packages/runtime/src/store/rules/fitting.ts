import { amountsOf, lacking, type Resources } from '@run-pipeline/core/model';
import type { Offers } from '@run-pipeline/core/ports';

export { lacking };

/**
 * Decides, job after job in the order in which they wait, whether an agent takes it now. What waits for
 * something that the agent has, and that others hold, is not overtaken by what needs the same.
 */
export class Fitting {
  readonly #offers: Offers | undefined;
  readonly #awaited = new Set<string>();

  constructor(offers: Offers | undefined) {
    this.#offers = offers;
  }

  takes(needs: Resources): boolean {
    if (this.#offers === undefined) return true;
    const { all, free } = this.#offers;
    if (lacking(needs, all).length > 0) return false;
    const lacks = lacking(needs, free);
    const overtakes = amountsOf(needs).some(([name]) => this.#awaited.has(name));
    if (lacks.length === 0 && !overtakes) return true;
    for (const name of lacks) this.#awaited.add(name);
    return false;
  }
}
