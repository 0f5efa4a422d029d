import { describe, expect, test } from 'vitest';
import type { PipelineDefinition } from '@run-pipeline/core/model';
import { LOWERINGS, evaluate } from './lowerings.js';
import { Parameter, Pipeline, Step, pipelineOf } from '@run-pipeline/core/define';

type Class = new () => Record<string, (...args: unknown[]) => unknown>;

const FIXTURE = `
const log = [];
function Traced(...args) {
  const standard = typeof args[1] === 'object';
  const inner = standard ? args[0] : args[2].value;
  const outer = function (...values) { log.push('traced'); return inner.apply(this, values); };
  if (standard) return outer;
  args[2].value = outer;
  return args[2];
}
class Base {
  constructor() { log.push('new ' + new.target.name); }
  @Parameter({ description: 'of the base' }) seed = 4;
  @Step({ returns: ['rows'], cache: true }) base_step() { return [this.seed]; }
  @Step({ inputs: ['$<base_step.rows>'], retry: 2 }) kept(rows: number[]) { return rows; }
  @Step({ timeout: '10m' }) replaced() { return 'base'; }
}
@Pipeline({ name: 'iris', project: 'examples', version: '1.0.0', cache: true, tags: ['a'] })
class Iris extends Base {
  @Parameter({ type: 'file', description: 'the CSV' }) data = 'iris.csv';
  @Parameter() depth = 3;
  @Parameter() url!: string;
  plain = 1;
  @Step({ inputs: ['$<pipeline.data>', 0.2], returns: ['train', 'test'] }) split(csv: unknown, size: number) { return { train: size, test: csv }; }
  override kept(rows: number[]) { return [...super.kept(rows), 1]; }
  @Step({ queue: 'gpu' }) override replaced() { return 'derived'; }
  @Step({ inputs: { data: '$<split.train>' }, returns: ['model'] }) fit({ data }: { data: number }) { return data; }
  @Traced @Step({ tags: ['wrapped'] }) wrapped() { return 'w'; }
  helper() { return 1; }
}
class Sub extends Iris { override depth = 9; }
class Alone { @Step() only() { return 1; } }
class Nothing { method() { return 1; } }
give({ Base, Iris, Sub, Alone, Nothing, log });
`;

describe.each(LOWERINGS)('$name', ({ compile }) => {
  type Given = Record<'Base' | 'Iris' | 'Sub' | 'Alone' | 'Nothing', Class> & { log: string[] };
  const given = evaluate<Given>(compile(FIXTURE));
  const definitionOf = (subject: unknown): PipelineDefinition => pipelineOf(subject)!.definition();

  test('a decorated class becomes a definition, steps of base classes first', () => {
    const definition = definitionOf(given.Iris);
    expect(definition).toMatchObject({
      kind: 'class',
      name: 'iris',
      project: 'examples',
      version: '1.0.0',
      tags: ['a'],
      options: { cache: { ttl: undefined }, retry: { retries: 0 }, abortOnFailure: false },
    });
    expect(definition.steps.map((step) => step.name)).toEqual([
      'base_step',
      'kept',
      'replaced',
      'split',
      'fit',
      'wrapped',
    ]);
    expect(definition.steps[3]).toMatchObject({
      inputs: { kind: 'positional', values: ['$<pipeline.data>', 0.2] },
      returns: ['train', 'test'],
      code: { kind: 'method', owner: given.Iris, className: 'Iris', method: 'split' },
    });
    expect(definition.steps[4]!.inputs).toEqual({ kind: 'named', values: { data: '$<split.train>' } });
    expect(definition.source?.file).toBe(definition.steps[3]!.source?.file);
  });

  test('an override without @Step keeps the options of the base, one with @Step replaces them', () => {
    const { steps } = definitionOf(given.Iris);
    expect(steps[1]).toMatchObject({
      inputs: { values: ['$<base_step.rows>'] },
      options: { retry: { retries: 2 } },
    });
    expect(steps[2]!.options).toMatchObject({ queue: 'gpu', timeout: undefined });
    expect(definitionOf(given.Base).steps[2]!.options).toMatchObject({ queue: undefined, timeout: 600_000 });
  });

  test('a decorator above @Step that replaces the method does not hide the step', () => {
    expect(definitionOf(given.Iris).steps[5]!.options.tags).toEqual(['wrapped']);
  });

  test('parameters take the values of the initialisers; one without is required', () => {
    const { parameters } = definitionOf(given.Iris);
    expect(
      parameters.map(({ name, type, required, default: value }) => [name, type, required, value]),
    ).toEqual([
      ['seed', 'number', false, 4],
      ['data', 'file', false, 'iris.csv'],
      ['depth', 'number', false, 3],
      ['url', 'string', true, undefined],
    ]);
    expect(definitionOf(given.Sub).parameters.find(({ name }) => name === 'depth')!.default).toBe(9);
  });

  test('discovery constructs a class once', () => {
    definitionOf(given.Iris);
    definitionOf(given.Iris);
    expect(given.log.filter((line) => line === 'new Iris')).toHaveLength(1);
  });

  test('a class without @Pipeline is found by its steps', () => {
    expect(definitionOf(given.Alone)).toMatchObject({
      name: 'Alone',
      project: 'default',
      version: undefined,
    });
    expect(definitionOf(given.Sub)).toMatchObject({ name: 'Sub', project: 'examples' });
    expect(pipelineOf(given.Nothing)).toBeUndefined();
  });

  test('a direct call stays a plain method call', () => {
    const iris = new given.Iris();
    expect(iris['split']!('x', 5)).toEqual({ train: 5, test: 'x' });
    expect(iris['kept']!([0])).toEqual([0, 1]);
  });

  test.each([
    [
      'a field with an arrow function',
      `class X { @Step() f = () => 1; } give(X);`,
      /@Step stands on the field f.*methods/,
    ],
    ['a static method', `class X { @Step() static f() {} }`, /@Step stands on the static member f/],
    ['a getter', `class X { @Step() get f() { return 1; } }`, /@Step stands on the accessor f/],
    ['a symbol', `class X { @Step() [Symbol.for('f')]() {} }`, /without a text name, Symbol\(f\)/],
    ['a class', `@Step() class X {}`, /@Step stands on the class X/],
    ['@Parameter on a method', `class X { @Parameter() f() {} }`, /@Parameter stands on the method f/],
    ['@Parameter on a static field', `class X { @Parameter() static f = 1 }`, /static member f/],
    ['@Pipeline on a method', `class X { @Pipeline() f() {} }`, /@Pipeline stands on the method f/],
    ['@Step without parentheses', `class X { @Step f() {} }`, /@Step is written with parentheses: @Step\(\)/],
    [
      '@Parameter without parentheses',
      `class X { @Parameter f = 1 }`,
      /@Parameter is written with parentheses/,
    ],
    ['@Pipeline without parentheses', `@Pipeline class X {}`, /@Pipeline is written with parentheses/],
    [
      'an unknown option',
      `class X { @Step({ tiemout: 2 }) f() {} }`,
      /no option "tiemout" \(did you mean "timeout"\?\)/,
    ],
    [
      'a wrong duration',
      `class X { @Step({ timeout: '10 parsecs' }) f() {} }`,
      /duration like '10m'.*"timeout", not "10 parsecs"/,
    ],
  ])('%s is refused', (_what, source, message) => {
    // A field is looked at when its class is constructed at the latest.
    expect(() => evaluate(compile(source))).toThrow(message);
  });

  test.each([
    [
      'needs arguments',
      `class X { constructor(a) {} @Step() f() {} } give(X);`,
      /constructor of X takes arguments/,
    ],
    [
      'throws',
      `class X { constructor() { throw new Error('no net'); } @Step() f() {} } give(X);`,
      /X .*threw: no net/,
    ],
  ])('a constructor that %s is an error of the definition', (_what, source, message) => {
    const subject = evaluate<Class>(compile(source));
    expect(() => definitionOf(subject)).toThrow(message);
  });
});

test('a compiler that calls standard decorators with the bare context is enough', () => {
  const initializers: ((this: unknown) => void)[] = [];
  const addInitializer = (initializer: (this: unknown) => void): void => void initializers.push(initializer);
  const context = (kind: string, name: string) => ({
    kind,
    name,
    static: false,
    private: false,
    addInitializer,
  });
  class Bare {
    depth = 3;
    constructor() {
      for (const initializer of initializers) initializer.call(this);
    }
    run(): number {
      return this.depth;
    }
  }
  (Step({ cache: true }) as (...args: unknown[]) => void)(Bare.prototype.run, context('method', 'run'));
  (Parameter() as (...args: unknown[]) => void)(undefined, context('field', 'depth'));
  (Pipeline({ name: 'bare' }) as (...args: unknown[]) => void)(Bare, {
    kind: 'class',
    name: 'Bare',
    addInitializer,
  });
  const definition = pipelineOf(Bare)!.definition();
  expect(definition.steps.map((step) => step.name)).toEqual(['run']);
  expect(definition.parameters.map((parameter) => parameter.default)).toEqual([3]);
});
