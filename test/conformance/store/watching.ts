import { expect, test } from 'vitest';
import { newTask, useStores, type StoreFactory } from './harness.js';

export function watchTests(factory: StoreFactory): void {
  const fresh = useStores(factory);
  const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  test('a commit of another connection wakes, and so does one of another process', async () => {
    const { store, under } = await fresh();
    const other = await under.open();
    let wake = (): void => {};
    const end = store.watch(() => wake());
    const first = new Promise<void>((resolve) => (wake = resolve));
    await other.createTask(newTask('t1'));
    await first;
    expect(await store.findTasks({})).toHaveLength(1);
    const second = new Promise<void>((resolve) => (wake = resolve));
    const child = under.process({ kind: 'create-runs', prefix: 'r', count: 1 });
    await second;
    end();
    expect((await child).code).toBe(0);
  });

  test('own commits wake in the next turn, until nobody waits any more', async () => {
    const { store } = await fresh();
    let calls = 0;
    const end = store.watch(() => calls++);
    await Promise.all([1, 2, 3].map((n) => store.createTask(newTask(`t${n}`))));
    await nextTurn();
    // Several commits may be one call, and one more comes when the store begins to listen to others.
    const heard = calls;
    expect(heard).toBeGreaterThanOrEqual(1);
    expect(heard).toBeLessThanOrEqual(4);
    end();
    end();
    await store.createTask(newTask('t4'));
    await nextTurn();
    expect(calls).toBe(heard);
  });

  test('a listener that throws, or ends another one, does not keep the word from the others', async () => {
    const { store } = await fresh();
    const warned = new Promise((resolve) => process.once('warning', resolve));
    const calls: string[] = [];
    const ends = [
      store.watch(() => {
        calls.push('a');
        ends[2]?.();
      }),
      store.watch(() => {
        throw new Error('a fault of the listener');
      }),
      store.watch(() => calls.push('ended by a')),
      store.watch(() => calls.push('d')),
    ];
    await store.createTask(newTask('t1'));
    await nextTurn();
    // Once more, where a connection of its own has only just begun to listen.
    expect(calls.slice(0, 2)).toEqual(['a', 'd']);
    expect(calls).not.toContain('ended by a');
    expect(await warned).toMatchObject({ message: 'a fault of the listener' });
    for (const end of ends) end();
  });

  test('a store that was closed wakes nobody, and cannot be watched', async () => {
    const { store, under } = await fresh();
    const other = await under.open();
    let calls = 0;
    other.watch(() => calls++);
    await other.close();
    await store.createTask(newTask('t1'));
    await nextTurn();
    expect(calls).toBe(0);
    expect(() => other.watch(() => {})).toThrow(/closed/);
  });
}
