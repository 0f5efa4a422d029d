import { expect, test } from 'vitest';
import { deferred } from '../deferred.js';
import { createSlots } from './slots.js';

test('a slot goes to the highest priority that waits when it is free, then to who came first', async () => {
  const slot = createSlots(1);
  const gate = deferred<void>();
  const order: string[] = [];
  const all = [
    slot(0, async () => {
      await gate.promise;
      order.push('holder');
    }),
  ];
  // The holder has its slot; the others come while it does.
  await new Promise((resolve) => setImmediate(resolve));
  for (const [name, priority] of [
    ['a', 0],
    ['b', 5],
    ['c', -5],
    ['d', 5],
    ['e', 0],
  ] as const)
    all.push(
      slot(priority, async () => {
        order.push(name);
      }),
    );
  gate.resolve();
  await Promise.all(all);
  expect(order).toEqual(['holder', 'b', 'd', 'a', 'e', 'c']);
});

test('what fails frees its slot, and fails for who waits for it alone', async () => {
  const slot = createSlots(1);
  const failed = slot(0, () => Promise.reject(new Error('no')));
  const next = slot(0, () => Promise.resolve(7));
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe(7);
});

test('so many run at once, however many wait', async () => {
  const slot = createSlots(3);
  let [now, most, done] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: 5_000 }, (_, index) =>
      slot(index % 3, async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        done += 1;
      }),
    ),
  );
  expect([most, done]).toEqual([3, 5_000]);
});
