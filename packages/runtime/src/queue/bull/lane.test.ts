import { taskId } from '@run-pipeline/core/model';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bullPriority, jobId, KINDS, laneName, laneOf, type Lane } from './lane.js';

const names = fc.string({ minLength: 1, unit: 'grapheme' });
const lanes: fc.Arbitrary<Lane> = fc.record({
  kind: fc.constantFrom(...KINDS),
  queue: names,
  resources: fc.dictionary(names, fc.double({ min: 1e-6, max: 1e6, noNaN: true })),
});

test('a lane is found again by its name, which BullMQ takes, whatever its queue is called', () => {
  fc.assert(
    fc.property(lanes, (lane) => {
      expect(laneName(lane)).not.toContain(':');
      expect(laneOf(laneName(lane))).toEqual({ ...lane, resources: { ...lane.resources } });
    }),
  );
});

test('other lanes have other names; equal needs have equal ones', () => {
  fc.assert(
    fc.property(lanes, lanes, (one, other) => {
      const same = JSON.stringify(laneOf(laneName(one))) === JSON.stringify(laneOf(laneName(other)));
      expect(laneName(one) === laneName(other)).toBe(same);
    }),
  );
  const [a, b] = [
    { gpu: 1, ram: 2 },
    { ram: 2, gpu: 1, disk: 0 },
  ].map((resources) => laneName({ kind: 'step', queue: 'q', resources }));
  expect(a).toBe(b);
});

test.each([
  '',
  'step',
  'step/',
  'other/default',
  'step/default/gpu',
  'step/default/gpu=x',
  'step/%',
  'step/a/b=1/c',
])('a name that is none is none: %j', (name) => {
  expect(laneOf(name)?.queue ?? '').toBe('');
});

test('ids are of the kind that BullMQ takes', () => {
  for (const task of ['7', 'run.step[0]', 'a:b', '0:1'])
    expect(jobId({ task: taskId(task), attempt: 3 })).toMatch(/^[^:]*\D[^:]*$/);
});

test('higher priorities come before lower ones, all of them within what BullMQ takes', () => {
  const given = [-Infinity, -1e9, -1, 0, 0.6, 2, 1e6, 1e9, Infinity];
  const theirs = given.map(bullPriority);
  expect(theirs.toSorted((x, y) => y - x)).toEqual(theirs);
  for (const priority of theirs) expect(priority).toSatisfy((p: number) => p >= 1 && p <= 2 ** 21);
  expect(new Set(theirs).size).toBe(7);
});
