import { inspect } from 'node:util';
import type { Digest, StoredArtifact } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { artifactsByName, TaskArtifact } from './task-artifact.js';

const stored = (name: string): StoredArtifact => ({
  record: {
    name,
    type: 'superjson',
    hash: `sha256:${'0'.repeat(64)}` as Digest,
    size: 1,
    url: `artifact://sha256/${'0'.repeat(64)}`,
    codecVersion: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  },
});
const artifacts = (...names: readonly string[]) =>
  artifactsByName<Record<string, unknown>>({
    artifacts: names.map(stored),
    label: 'examples/a (1)',
    access: ({ record }) => ({
      read: async () => `value of ${record.name}`,
      bytes: async () => new Uint8Array(),
      directory: async () => '/nowhere',
    }),
  });

test('names of Object.prototype are names of artifacts', async () => {
  const found = artifacts('__proto__', 'constructor', 'hasOwnProperty');
  expect(Object.keys(found)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
  expect(await found['__proto__']!.get()).toBe('value of __proto__');
  expect(await found['constructor']!.get()).toBe('value of constructor');
});

test('a name that is not there is an error that says which are', () => {
  const found = artifacts('rows', 'model');
  expect(() => found['row']).toThrow('the task examples/a (1) has no artifact "row" (did you mean "rows"?)');
  expect('row' in found).toBe(false);
  expect('rows' in found).toBe(true);
});

test('what tools ask of any object is no error, and nothing can be put in', async () => {
  const found = artifacts('rows');
  expect(await Promise.resolve(found)).toBe(found);
  expect(inspect(found)).toContain('rows');
  expect(JSON.parse(JSON.stringify(found))).toMatchObject({ rows: { name: 'rows', size: 1 } });
  expect(() => Object.assign(found, { other: 1 })).toThrow(TypeError);
});

test('an artifact is made by a task only', () => {
  expect(() => new TaskArtifact({} as never)).toThrow('artifacts are made by task.uploadArtifact');
});
