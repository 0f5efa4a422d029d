import { expect, test } from 'vitest';
import {
  encodeConfigurations,
  encodeParameters,
  flatParameters,
  keyOf,
  nestedParameters,
} from './parameter-names.js';

const where = { what: 'setParameters()', at: undefined };

test('a name without a section is one of General; what follows the first slash is the name', () => {
  expect(keyOf('lr')).toEqual({ section: 'General', name: 'lr' });
  expect(keyOf('Model/opt/lr')).toEqual({ section: 'Model', name: 'opt/lr' });
});

test('flat and nested are each other’s inverse, whatever the names', () => {
  const flat = JSON.parse('{"General/a":1,"__proto__/__proto__":2,"constructor/x/y":[3]}') as object;
  const nested = encodeParameters(flat, where);
  expect(JSON.stringify(nested)).toBe(
    '{"General":{"a":{"json":1}},"__proto__":{"__proto__":{"json":2}},"constructor":{"x/y":{"json":[3]}}}',
  );
  expect(JSON.stringify(flatParameters(nested))).toBe(JSON.stringify(flat));
  expect(nestedParameters([['a', { json: 'x', text: true }]])).toEqual({
    General: { a: { json: 'x', text: true } },
  });
});

test('values keep their type; undefined ones are left out', () => {
  const values = { when: new Date(5), rows: undefined, list: [1n] };
  expect(flatParameters(encodeParameters(values, where))).toEqual({
    'General/when': new Date(5),
    'General/list': [1n],
  });
});

test.each([[null], [[1]], ['lr=1'], [7]])('%j is no object of parameters', (values) => {
  expect(() => encodeParameters(values, where)).toThrow('setParameters() takes an object of parameters');
  expect(() => encodeConfigurations(values, where)).toThrow(
    'setParameters() takes an object of configurations',
  );
});

test.each(['', '/a', 'a/'])('%j is no name', (name) => {
  expect(() => encodeParameters({ [name]: 1 }, where)).toThrow('is no name of a parameter');
});

test('what JSON cannot keep is an error that names it', () => {
  expect(() => encodeParameters({ f: () => 1 }, where)).toThrow(/^f is a function/);
  expect(() => encodeConfigurations({ net: { f: () => 1 } }, where)).toThrow(
    /^configuration net\.f is a function/,
  );
});
