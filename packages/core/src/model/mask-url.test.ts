import { expect, test } from 'vitest';
import { maskUrl, maskUrls } from './mask-url.js';

test.each([
  ['postgres://app:secret@db/runs', 'postgres://app:***@db/runs'],
  ['redis://:secret@127.0.0.1:6379/0', 'redis://:***@127.0.0.1:6379/0'],
  ['postgres://app@db/runs', 'postgres://app@db/runs'],
  // Not encoded: no URL, and the message about it must not tell either.
  ['postgres://app:p@ss/w?o#rd@db/runs', 'postgres://app:***@db/runs'],
  [
    'postgres://db/runs?user=app&password=secret&sslmode=require',
    'postgres://db/runs?user=app&password=***&sslmode=require',
  ],
  ['postgres://db/runs?ssl%70assword=secret', 'postgres://db/runs?ssl%70assword=***'],
  [
    'postgres://db/runs?sslkey=/keys/a.pem&sslpassword=x',
    'postgres://db/runs?sslkey=/keys/a.pem&sslpassword=***',
  ],
  ['https://s3/b/k?X-Amz-Signature=abc&X-Amz-Date=1', 'https://s3/b/k?X-Amz-Signature=***&X-Amz-Date=1'],
  [' "postgres://app:secret@db/runs"', ' "postgres://app:***@db/runs"'],
  ['STORE=postgres://app:secret@db/runs', 'STORE=postgres://app:***@db/runs'],
  ['s3://bucket/prefix', 's3://bucket/prefix'],
  ['.run-pipeline/state.db', '.run-pipeline/state.db'],
  ['', ''],
])('%s is shown as %s', (url, shown) => {
  expect(maskUrl(url)).toBe(shown);
});

test('addresses inside of a text are masked, the rest of it stays', () => {
  expect(maskUrls(`cannot connect to "redis://u:pw@h/0" (postgres://a:b@c/d): try again`)).toBe(
    'cannot connect to "redis://u:***@h/0" (postgres://a:***@c/d): try again',
  );
  expect(maskUrls('time 10:30, a@b, c://')).toBe('time 10:30, a@b, c://');
});
