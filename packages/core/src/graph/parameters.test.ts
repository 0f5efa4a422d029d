import { expect, test } from 'vitest';
import { directory, file, fileMarker } from '../define/file-value.js';
import type { ParameterDefinition, StandardSchema } from '../model/definition.js';
import { parseParameterFlag, resolveParameters } from './parameters.js';
import { parameterFixture } from './pipeline.fixture.js';

const one = async (facts: Partial<ParameterDefinition>, given: unknown, textual = true): Promise<unknown> => {
  const resolved = await resolveParameters([parameterFixture('p', facts)], { p: given }, { textual });
  return resolved.ok
    ? resolved.values['p']
    : resolved.diagnostics.map((item) => `${item.code}: ${item.message}`).join('\n');
};

/** A Standard Schema of one check. */
const schema = (check: (value: unknown) => unknown): StandardSchema => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const out = check(value);
      return out instanceof Error
        ? { issues: [{ message: out.message, path: ['a', { key: 0 }] }] }
        : { value: out };
    },
  },
});

test('text of the command line becomes what the type says', async () => {
  expect(await one({ type: 'string' }, '5')).toBe('5');
  expect(await one({ type: 'string' }, '')).toBe('');
  expect(await one({ default: 1 }, '0.5e-3')).toBe(0.0005);
  expect(await one({ type: 'number' }, '-.5')).toBe(-0.5);
  expect(await one({ type: 'integer' }, '+3')).toBe(3);
  expect(await one({ default: false }, 'true')).toBe(true);
  expect(await one({ default: true }, 'false')).toBe(false);
  expect(await one({ default: [] }, '[3, 5]')).toEqual([3, 5]);
  expect(await one({ default: { a: 1 } }, '{"a": {"b": null}}')).toEqual({ a: { b: null } });
  expect(await one({ type: 'json' }, 'null')).toBe(null);
  expect(await one({ default: new Date() }, '2026-01-31')).toEqual(new Date('2026-01-31T00:00:00Z'));
  expect(await one({ type: 'date' }, '2026-01-31T12:00:00+02:00')).toEqual(new Date('2026-01-31T10:00:00Z'));
  expect(await one({ default: 5n }, '12345678901234567890')).toBe(12345678901234567890n);
});

test('text for a default that is a Map, a Set or a typed array keeps the type', async () => {
  expect(await one({ default: new Map() }, '{"a": 1}')).toEqual(new Map([['a', 1]]));
  expect(await one({ default: new Map() }, '[[1, "x"]]')).toEqual(new Map([[1, 'x']]));
  expect(await one({ default: new Set() }, '[1, 1, 2]')).toEqual(new Set([1, 2]));
  expect(await one({ default: new Float32Array() }, '[1, 2]')).toEqual(new Float32Array([1, 2]));
  expect(await one({ default: new BigInt64Array() }, '[1]')).toEqual(new BigInt64Array([1n]));
  expect(await one({ default: new Map() }, '[1]')).toContain('takes JSON of a Map');
});

test.each([
  [{ default: 1 }, 'abc', 'parameter `p` takes a number, for example 0.5, not `abc`'],
  [{ default: 1 }, '', 'takes a number'],
  [{ default: 1 }, '0x10', 'takes a number'],
  [{ default: 1 }, 'NaN', 'takes a number'],
  [{ default: 1 }, '1e999', 'takes a number'],
  [{ type: 'integer' }, '1.5', 'takes an integer'],
  [{ type: 'integer' }, '9007199254740993', 'takes an integer'],
  [{ default: true }, 'yes', 'takes `true` or `false`, not `yes`'],
  [{ default: true }, 'True', 'takes `true` or `false`'],
  [{ default: [] }, '[1', 'takes JSON, for example'],
  [{ default: [] }, '5', 'takes an array, not `5`'],
  [{ default: {} }, '[1]', 'takes an object'],
  [{ type: 'date' }, 'tomorrow', 'takes a date, for example 2026-01-31'],
  [{ type: 'date' }, '2026-02-30', 'takes a date'],
  [{ type: 'file' }, '', 'takes the path of a file'],
] as const)('%j refuses the text %s', async (facts, text, message) => {
  expect(await one(facts as Partial<ParameterDefinition>, text)).toContain(message);
});

test('values of a program keep their identity and are checked', async () => {
  for (const [fallback, value] of [
    ['a', 'b'],
    [1, -0],
    [[1], []],
    [{}, { a: 1 }],
    [new Map(), new Map([[1, 2]])],
    [new Date(0), new Date(1)],
    [null, { any: 1 }],
    [new Uint8Array(), new Uint8Array(2)],
  ]) {
    expect(await one({ default: fallback }, value, false)).toBe(value);
  }
  expect(await one({ default: 'a' }, 5, false)).toContain('takes a text, not the number 5');
  expect(await one({ default: 1 }, '5', false)).toContain('takes a number, not the text "5"');
  expect(await one({ default: 1 }, NaN, false)).toContain('takes a number');
  expect(await one({ default: [] }, {}, false)).toContain('takes an array, not an object');
  expect(await one({ default: new Map() }, {}, false)).toContain('takes a Map, not an object');
  expect(await one({ default: true }, null, false)).toContain('takes a boolean, not null');
  expect(await one({ default: new Date() }, new Date(NaN), false)).toContain(
    'takes a valid Date, not an invalid Date',
  );
  expect(await one({ default: null }, null, false)).toBe(null);
});

test('paths of file and directory parameters become markers', async () => {
  expect(fileMarker(await one({ type: 'file' }, 'data/iris.csv'))).toEqual({
    path: 'data/iris.csv',
    directory: false,
  });
  expect(fileMarker(await one({ type: 'directory' }, 'data', false))).toEqual({
    path: 'data',
    directory: true,
  });
  expect(fileMarker(await one({ type: 'file', default: 'a.csv' }, undefined))).toEqual({
    path: 'a.csv',
    directory: false,
  });
  expect(fileMarker(await one({ default: directory('d') }, 'e'))).toEqual({ path: 'e', directory: true });
  expect(await one({ type: 'directory' }, file('x'), false)).toContain('takes directory(path)');
});

test('no default means required, and every mistake is reported', async () => {
  const definitions = [
    parameterFixture('url', { description: 'where it is' }),
    parameterFixture('depth', { default: 3 }),
  ];
  expect(await resolveParameters(definitions, { dpeth: '1', depth: 'x' }, { textual: true })).toMatchObject({
    ok: false,
    diagnostics: [
      {
        code: 'unknown-parameter',
        message: 'the pipeline has no parameter `dpeth`',
        help: 'did you mean `depth`?',
      },
      {
        code: 'missing-parameter',
        message: 'parameter `url` has no default: a value is required',
        help: 'give one: --param url=… (where it is)',
      },
      { code: 'invalid-parameter', at: { line: 1 } },
    ],
  });
  expect(await resolveParameters(definitions, { url: 'x', depth: undefined }, { textual: false })).toEqual({
    ok: true,
    values: { url: 'x', depth: 3 },
  });
});

test('a default of the wrong type is an error', async () => {
  expect(await one({ type: 'integer', default: 1.5 }, undefined)).toContain(
    'invalid-default: the default of parameter `p` takes an integer',
  );
});

test('names that mean something to JavaScript are names', async () => {
  const resolved = await resolveParameters(
    [parameterFixture('__proto__', { default: 1 }), parameterFixture('constructor')],
    JSON.parse('{"constructor": "x"}') as object as Record<string, unknown>,
    { textual: true },
  );
  expect(JSON.stringify(resolved)).toBe('{"ok":true,"values":{"__proto__":1,"constructor":"x"}}');
  expect(await resolveParameters([parameterFixture('toString')], {}, { textual: true })).toMatchObject({
    ok: false,
  });
});

test('a schema decides, and text is read as what it takes', async () => {
  const number = schema((value) =>
    typeof value === 'number' && value > 0 ? value : new Error('positive number expected'),
  );
  expect(await one({ schema: number }, '5')).toBe(5);
  expect(await one({ schema: number }, '-5')).toBe(
    'invalid-parameter: parameter `p`, `-5`, does not fit: a.0: positive number expected',
  );
  expect(
    await one({ schema: schema((value) => (typeof value === 'string' ? value : new Error('no'))) }, '5'),
  ).toBe('5');
  expect(
    await one({ schema: schema((value) => (Array.isArray(value) ? value : new Error('no'))) }, '[1]'),
  ).toEqual([1]);
  expect(
    await one({ schema: schema((value) => (value instanceof Date ? value : new Error('no'))) }, '2026-01-31'),
  ).toEqual(new Date('2026-01-31'));
  expect(await one({ schema: schema(Boolean), default: true }, 'false')).toBe(false);
  expect(await one({ schema: schema((value) => `${String(value)}!`) }, { a: 1 }, false)).toBe(
    '[object Object]!',
  );
});

test('what a schema refuses is told for the likeliest reading', async () => {
  const list = schema((value) => new Error(Array.isArray(value) ? 'numbers expected' : 'list expected'));
  expect(await one({ schema: list }, '["2"]')).toContain('does not fit: a.0: numbers expected');
  const range = schema((value) => new Error(typeof value === 'number' ? 'too small' : 'number expected'));
  expect(await one({ schema: range }, '-5')).toContain(
    'does not fit: as text: a.0: number expected; as JSON: a.0: too small',
  );
});

test('a schema may be asynchronous, may throw, and may know a value of its own', async () => {
  const later: StandardSchema = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => Promise.resolve({ value: [value] }) },
  };
  expect(await one({ schema: later }, 'x')).toEqual(['x']);
  expect(
    await one(
      {
        schema: schema(() => {
          throw new RangeError('boom');
        }),
      },
      'x',
    ),
  ).toContain('the schema threw RangeError: boom');
  expect(await one({ schema: schema((value) => value ?? 'own default') }, undefined)).toBe('own default');
  expect(await one({ schema: schema((value) => value ?? new Error('required')) }, undefined)).toContain(
    'missing-parameter',
  );
  expect(await one({ schema: schema(() => new Error('too small')), default: -1 }, undefined)).toBe(
    'invalid-default: the default of parameter `p`, the number -1, does not fit: a.0: too small',
  );
});

test('--param takes NAME=VALUE', () => {
  expect(parseParameterFlag('a=b=c')).toEqual({ name: 'a', value: 'b=c' });
  expect(parseParameterFlag('a=')).toEqual({ name: 'a', value: '' });
  for (const flag of ['a', '=b', ''])
    expect(() => parseParameterFlag(flag)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'invalid-parameter-flag' }),
    );
});
