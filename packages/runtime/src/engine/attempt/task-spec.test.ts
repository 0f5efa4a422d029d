import { expect, test } from 'vitest';
import { decodeEnding, encodeEnding, outcomeOfEnding, type EndingDocument } from './task-spec.js';

const failed = (thrown: unknown): EndingDocument => ({
  version: 1,
  durationMs: 5,
  outcome: { status: 'failed', error: { name: 'Error', message: 'no' }, thrown },
});

test('what a step threw arrives with its name, its properties and its cause, for retry.when', () => {
  class Fatal extends Error {
    override readonly name = 'Fatal';
    readonly status = 503;
  }
  const { outcome } = decodeEnding(encodeEnding(failed(new Fatal('no', { cause: new Error('inner') }))));
  expect(outcome.status).toBe('failed');
  const thrown = outcome.status === 'failed' ? (outcome.thrown as Fatal) : undefined;
  expect(thrown).toBeInstanceOf(Error);
  expect(thrown).toMatchObject({ name: 'Fatal', message: 'no', status: 503 });
  expect(thrown?.cause).toMatchObject({ message: 'inner' });
  expect(decodeEnding(encodeEnding(failed(undefined))).outcome).not.toHaveProperty('thrown.kind');
});

test('an outcome is the document of the agent', () => {
  const document = encodeEnding({
    version: 1,
    durationMs: 7,
    outcome: { status: 'completed', artifacts: [], reports: [], values: [], uncacheable: 'reads a task' },
  });
  expect(outcomeOfEnding({ status: 'completed', error: undefined, document })).toMatchObject({
    durationMs: 7,
    outcome: { status: 'completed', artifacts: [], reports: [], values: [], uncacheable: 'reads a task' },
  });
});

test('what the store ended has no document: lost too often, or stopped while its agent was gone', () => {
  const end = (status: 'failed' | 'aborted', code: string) =>
    outcomeOfEnding({ status, error: { name: 'E', code, message: 'm' }, document: undefined }).outcome;
  expect(end('failed', 'agent-lost')).toEqual({
    status: 'failed',
    error: { name: 'E', code: 'agent-lost', message: 'm' },
  });
  expect(end('aborted', 'timeout')).toMatchObject({ status: 'aborted', reason: 'timeout' });
  expect(end('aborted', 'aborted')).toEqual({
    status: 'aborted',
    reason: 'stopped',
    error: { name: 'E', code: 'aborted', message: 'm' },
  });
});

test.each([
  ['no document', 'completed', undefined],
  ['bytes that are none', 'completed', Buffer.from('nonsense')],
  ['a document of another status', 'completed', encodeEnding(failed(undefined))],
  ['one of a later version', 'failed', encodeEnding({ ...failed(undefined), version: 2 as never })],
] as const)('an outcome that cannot be understood is a failure that says so: %s', (_, status, document) => {
  expect(outcomeOfEnding({ status, error: undefined, document }).outcome).toMatchObject({
    status: 'failed',
    error: { code: 'agent-mismatch', message: expect.stringContaining('same version') as string },
  });
});
