import { inspect, toUSVString } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMasker, MASK } from './mask.js';

const secret = fc.oneof(
  fc.string({ minLength: 4, maxLength: 24 }),
  fc.string({ unit: 'grapheme', minLength: 4, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 8 }),
);
/** Text of pieces and secrets, cut anywhere. */
const cuts = fc.array(fc.nat(), { maxLength: 12 });
function cutAt(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => text.slice(start, at[index] ?? text.length));
}
const encodings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(text).toString('base64url'),
  (text) => Buffer.from(text).toString('hex'),
  (text) => encodeURIComponent(text),
  (text) => new URLSearchParams({ text }).toString(),
  (text) => JSON.stringify({ text }),
  (text) => JSON.stringify(JSON.stringify({ text })),
  (text) => inspect({ text }),
];

test('no secret is left in the text, in whichever form it stands', () => {
  fc.assert(
    fc.property(
      secret,
      fc.nat(encodings.length - 1),
      fc.string(),
      fc.string(),
      (value, index, before, after) => {
        fc.pre(toUSVString(value) === value);
        const encoded = encodings[index]!(value);
        const shown = createMasker([value]).mask(before + encoded + after);
        expect(shown).toContain(MASK);
        expect(shown.replaceAll(MASK, '')).not.toContain(value);
      },
    ),
  );
});

test('base64 of longer data that holds the secret is masked where the secret stands', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 20 }),
      fc.string(),
      fc.string(),
      (value, user, rest) => {
        const header = Buffer.from(`${user}:${value}${rest}`).toString('base64');
        const shown = createMasker([value]).mask(`authorization: Basic ${header}`);
        expect(shown).toContain(MASK);
        expect(Buffer.from(shown, 'base64').toString()).not.toContain(value);
      },
    ),
  );
});

test('how the output is cut into chunks changes nothing', () => {
  const piece = fc.oneof(
    secret,
    fc.string({ maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 }),
  );
  fc.assert(
    fc.property(
      fc.array(secret, { minLength: 1, maxLength: 3 }),
      fc.array(piece),
      fc.array(fc.nat(2)),
      cuts,
      (secrets, pieces, used, places) => {
        const text = pieces.map((part, index) => part + (secrets[used[index] ?? 9] ?? '')).join('');
        const masker = createMasker(secrets);
        const stream = masker.stream();
        const streamed =
          cutAt(text, places)
            .map((chunk) => stream.push(chunk))
            .join('') + stream.end();
        expect(streamed).toBe(masker.mask(text));
      },
    ),
    { numRuns: 500 },
  );
});

test('text without secrets comes through unchanged', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (chunks) => {
      const stream = createMasker(['no-such-secret-in-here']).stream();
      expect(chunks.map((chunk) => stream.push(chunk)).join('') + stream.end()).toBe(chunks.join(''));
    }),
  );
});

test('overlapping secrets leave no rest of either', () => {
  expect(createMasker(['abcd', 'cdef']).mask('xabcdefy')).toBe(`x${MASK}y`);
});

test('a line of a secret of several lines is masked by itself', () => {
  const key = '-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34\nGkxFhD90vcNLYLInFEX6\n-----END KEY-----';
  expect(createMasker([key]).mask('first line MIIBOgIBAAJBAKj34 and so on')).toBe(
    `first line ${MASK} and so on`,
  );
});

test('an endless run of a secret is held in bounded memory and shown as one mask', () => {
  const stream = createMasker(['aaaa']).stream();
  let shown = '';
  for (let index = 0; index < 2_000; index += 1) shown += stream.push('aaaaaaa');
  expect(shown + stream.end()).toBe(MASK);
});

test('an empty secret masks nothing', () => {
  expect(createMasker(['']).mask('text')).toBe('text');
});
