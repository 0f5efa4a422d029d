import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRunPipelineError } from '../model/errors.js';
import {
  elementOf,
  escapeText,
  formatReference,
  formatTemplate,
  isName,
  parseTemplate,
  type Template,
} from './parse.js';
import type { Reference } from './reference.js';

const reference = (text: string): Reference => {
  const template = parseTemplate(text);
  if (template.kind !== 'reference') throw new Error(`${text} is a ${template.kind}`);
  return template.reference;
};

const errorOf = (text: string): { readonly message: string; readonly help: string | undefined } => {
  try {
    parseTemplate(text);
  } catch (error) {
    if (isRunPipelineError(error) && error.code === 'invalid-reference') return error;
    throw error;
  }
  throw new Error(`${text} parses`);
};

test('every form of a reference is read', () => {
  expect(reference('$<pipeline.url>')).toEqual({
    kind: 'parameter',
    name: 'url',
    path: [],
    text: '$<pipeline.url>',
  });
  expect(reference('$<pipeline.model.layers.0>')).toMatchObject({ name: 'model', path: ['layers', '0'] });
  expect(reference('$<step_one.data_frame>')).toMatchObject({
    kind: 'return',
    step: 'step_one',
    name: 'data_frame',
    path: [],
  });
  expect(reference('$<stepOne.rows.0.naïve-name>')).toMatchObject({
    name: 'rows',
    path: ['0', 'naïve-name'],
  });
  expect(reference('$<score[12].x>')).toMatchObject({ kind: 'return', step: 'score[12]', name: 'x' });
  expect(reference('$<s.id>')).toEqual({ kind: 'id', step: 's', text: '$<s.id>' });
  expect(reference('$<s.artifacts.n.url>')).toMatchObject({
    kind: 'artifact',
    step: 's',
    name: 'n',
    attribute: 'url',
  });
  expect(reference('$<s.parameters.General/dataset_url>')).toMatchObject({
    kind: 'task-parameter',
    step: 's',
    section: 'General',
    name: 'dataset_url',
  });
  expect(reference('$<s.parameters.Hydra/model.layers/0>')).toMatchObject({
    section: 'Hydra',
    name: 'model.layers/0',
  });
  expect(reference('${step_one.data_frame}')).toMatchObject({
    kind: 'return',
    text: '${step_one.data_frame}',
  });
});

test('names that mean something to JavaScript are names', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(reference(`$<${name}.${name}.${name}>`)).toMatchObject({ step: name, name, path: [name] });
  }
});

test('several references and text make a template', () => {
  const template = parseTemplate('s3://$<pipeline.bucket>/${load.name}.csv') as Extract<
    Template,
    { kind: 'template' }
  >;
  expect(template.parts.map((part) => (typeof part === 'string' ? part : formatReference(part)))).toEqual([
    's3://',
    '$<pipeline.bucket>',
    '/',
    '$<load.name>',
    '.csv',
  ]);
});

test('${…} that does not parse is text', () => {
  for (const text of [
    '${HOME}',
    '${}',
    '${',
    '${a.b c}',
    '${x.map(y => y)}',
    '${a.}',
    '${a..b}',
    '${a.b',
    '${s.id.x}',
    '${1.2}',
    '$',
    '$$',
    'US$ 5',
    '{$}',
  ]) {
    expect(parseTemplate(text)).toEqual({ kind: 'literal', text });
  }
  expect(parseTemplate('${a.${b.c}}')).toMatchObject({
    kind: 'template',
    parts: ['${a.', { step: 'b' }, '}'],
  });
});

test('$$< and $${ are text', () => {
  expect(parseTemplate('$$<a.b>')).toEqual({ kind: 'literal', text: '$<a.b>' });
  expect(parseTemplate('$${a.b}')).toEqual({ kind: 'literal', text: '${a.b}' });
  expect(parseTemplate('$$$<a.b>')).toMatchObject({
    kind: 'template',
    parts: ['$', { step: 'a', name: 'b' }],
  });
  expect(parseTemplate('$$$$<a.b>')).toEqual({ kind: 'literal', text: '$$<a.b>' });
  expect(parseTemplate('$${HOME}')).toEqual({ kind: 'literal', text: '${HOME}' });
});

test('$<…> that does not parse is an error that says why', () => {
  expect(errorOf('$<step_one>').message).toBe(
    '`$<step_one>` is not a reference: it names no return: `$<step_one.RETURN>`, or `$<step_one.result>` if none is declared',
  );
  expect(errorOf('$<pipeline>').message).toContain('a parameter is missing');
  expect(errorOf('$<a.b').message).toContain('`>` is missing');
  expect(errorOf('x $< a.b >').message).toContain('` ` cannot be in a reference');
  expect(errorOf('$<>').message).toContain('it is empty');
  expect(errorOf('$<a.rows[0].x>').message).toContain('`rows[0]` cannot be the name of a return');
  expect(errorOf('$<a.data.rows[0]>').message).toContain('indexes are written `rows.0`, not `rows[0]`');
  expect(errorOf('$<2nd.x>').message).toContain('`2nd` cannot be the name of a step');
  expect(errorOf('$<a.artifacts.x>').message).toContain('$<a.artifacts.NAME.url>');
  expect(errorOf('$<a.parameters.lr>').message).toContain('SECTION/NAME');
  expect(errorOf('$<a.id.x>').message).toContain('nothing can follow `id`');
  expect(errorOf('$<score[01].x>').message).toContain('cannot be the name of a step');
});

test('elements of mapped steps are told from other names', () => {
  expect(elementOf('score[3]')).toEqual({ step: 'score', index: 3 });
  for (const name of ['score', 'score[]', 'score[-1]', 'score[03]', 'score[1][2]', '[1]'])
    expect(elementOf(name)).toBeUndefined();
});

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,8}$/);
const step = fc
  .tuple(name, fc.option(fc.nat(999)))
  .filter(([head]) => head !== 'pipeline')
  .map(([head, index]) => (index === null ? head : `${head}[${index}]`));
const path = fc.array(fc.stringMatching(/^[A-Za-z0-9_éßあ-]{1,6}$/u), { maxLength: 3 });
const returnName = name.filter((text) => !['id', 'artifacts', 'parameters'].includes(text));
const anyReference: fc.Arbitrary<Reference> = fc
  .oneof(
    fc.record({ kind: fc.constant('parameter' as const), name, path, text: fc.constant('') }),
    fc.record({ kind: fc.constant('return' as const), step, name: returnName, path, text: fc.constant('') }),
    fc.record({ kind: fc.constant('id' as const), step, text: fc.constant('') }),
    fc.record({ kind: fc.constant('artifact' as const), step, name, attribute: name, text: fc.constant('') }),
    fc.record({
      kind: fc.constant('task-parameter' as const),
      step,
      section: name,
      name: fc.stringMatching(/^[a-z][a-z./_-]{0,5}$/),
      text: fc.constant(''),
    }),
  )
  .map((value) => ({ ...value, text: formatReference(value) }));
const hostile = fc.string({
  unit: fc.constantFrom('$', '<', '{', '>', '}', '.', 'a', 'pipeline', '[', ']', '0', '/', ' ', 'é'),
});

test('a formatted reference parses to itself', () => {
  fc.assert(
    fc.property(anyReference, (value) => {
      expect(reference(formatReference(value))).toEqual(value);
    }),
  );
});

test('any text survives escaping', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
      expect(parseTemplate(escapeText(text))).toEqual({ kind: 'literal', text });
    }),
  );
});

test('a formatted template parses to itself', () => {
  const parts = fc.array(fc.oneof(hostile, anyReference), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, (list) => {
      const merged: (string | Reference)[] = [];
      for (const part of list) {
        const last = merged.at(-1);
        if (typeof part === 'string' && typeof last === 'string') merged[merged.length - 1] = last + part;
        else if (part !== '') merged.push(part);
      }
      const parsed = parseTemplate(formatTemplate(list));
      const back =
        parsed.kind === 'template'
          ? parsed.parts
          : parsed.kind === 'reference'
            ? [parsed.reference]
            : [parsed.text];
      expect(back).toEqual(merged.length === 0 ? [''] : merged);
    }),
  );
});

test('parsing never throws anything but its own error', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
      try {
        parseTemplate(text);
      } catch (error) {
        expect(isRunPipelineError(error) && error.code).toBe('invalid-reference');
        expect((error as Error).message.length).toBeLessThan(400);
      }
    }),
  );
});

test('only names are names', () => {
  for (const text of ['a', '_', 'a-b', 'A_1', '__proto__']) expect(isName(text)).toBe(true);
  for (const text of ['', '1a', '-a', 'a b', 'a.b', 'a[0]', 'é', 'a\n']) expect(isName(text)).toBe(false);
});

// Quadratic behaviour would take minutes here, linear takes milliseconds; the test's own timeout decides.
test.each(['$', '${', '$$<', '${a', '${a.', '${a.b', '}', '$<a.b>', '[', '${a[0'])(
  'a million characters of %s are read in linear time',
  (unit) => {
    const text = unit.repeat(1_000_000 / unit.length);
    expect(['literal', 'template']).toContain(parseTemplate(text).kind);
    expect(parseTemplate(escapeText(text))).toEqual({ kind: 'literal', text });
  },
);
