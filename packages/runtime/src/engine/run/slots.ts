import pLimit from 'p-limit';

/** Runs `task` when one of the slots is free, and nothing of a higher priority waits that could have it. */
export type Slot = <T>(priority: number, task: () => Promise<T>) => Promise<T>;

/** Slots for what executes at once. Of equal priorities the first that came is the first that gets one. */
export function createSlots(size: number): Slot {
  const limit = pLimit(size);
  const lanes = new Lanes<() => Promise<void>>();
  return (priority, task) =>
    new Promise((resolve, reject) => {
      lanes.add(priority, async () => {
        try {
          resolve(await task());
        } catch (error) {
          reject(error);
        }
      });
      // Who gets the slot is decided when there is one, not when somebody asks for it.
      void limit(() => lanes.take()());
    });
}

/** What waits, by priority. Cheap however many wait, as long as their priorities are few. */
class Lanes<T> {
  readonly #lanes: { readonly priority: number; readonly items: T[]; next: number }[] = [];

  add(priority: number, item: T): void {
    const place = this.#lanes.findIndex((lane) => lane.priority <= priority);
    const lane = this.#lanes[place];
    if (lane?.priority === priority) lane.items.push(item);
    else
      this.#lanes.splice(place === -1 ? this.#lanes.length : place, 0, { priority, items: [item], next: 0 });
  }

  take(): T {
    const lane = this.#lanes[0]!;
    const item = lane.items[lane.next++]!;
    if (lane.next === lane.items.length) this.#lanes.shift();
    return item;
  }
}
