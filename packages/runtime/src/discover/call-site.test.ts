import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { callSite } from '@run-pipeline/core/define';

const declare = () => callSite(declare);

/** Runs a script whose places are those of the text, whatever the test runner does to this file. */
const script = (text: string): unknown =>
  (
    runInThisContext(`(function (declare) {${text}\n})`, {
      filename: '/user/pipe.js',
      columnOffset: -'(function (declare) {'.length,
    }) as (given: unknown) => unknown
  )(declare);

test('the place is that of the call, in the file that calls', () => {
  expect(script('\n  const made =\n    declare();\n  return made;')).toEqual({
    file: '/user/pipe.js',
    line: 3,
    column: 5,
  });
});

test('a constructor is left out together with those of derived classes it was called through', () => {
  class Declared {
    readonly at;
    constructor() {
      this.at = callSite(new.target as never);
    }
  }
  const place = (
    runInThisContext(
      '(function (Declared) {\nclass Mine extends Declared { constructor() { super(); } }\nreturn new Mine().at;\n})',
      {
        filename: '/user/derived.js',
      },
    ) as (given: unknown) => unknown
  )(Declared);
  expect(place).toEqual({ file: '/user/derived.js', line: 3, column: 8 });
});

test.each(['__decorate', '__esDecorate', '__decorateClass', '__decorateElement', '__runInitializers'])(
  'a frame of the helper %s is not the user’s call',
  (helper) => {
    const text = `\nfunction ${helper}() { return declare(); }\nreturn ${helper}();`;
    expect(script(text)).toEqual({ file: '/user/pipe.js', line: 3, column: 8 });
  },
);

test('frames of Node are not the user’s call', () => {
  expect(script('\nreturn [0].map(() =>\n declare())[0];')).toMatchObject({ line: 3 });
});

test('what others set on Error stays', () => {
  const { prepareStackTrace, stackTraceLimit } = Error as {
    prepareStackTrace?: unknown;
    stackTraceLimit: number;
  };
  Error.stackTraceLimit = 0;
  try {
    expect(script('return declare();')).toMatchObject({ file: '/user/pipe.js' });
    expect(Error.stackTraceLimit).toBe(0);
    expect((Error as { prepareStackTrace?: unknown }).prepareStackTrace).toBe(prepareStackTrace);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
});
