/** Files of a project, by their paths relative to it. */
export type Tree = ReadonlyMap<string, string>;

/** What a project is beside its files. */
export interface ProjectState {
  readonly files: Tree;
  readonly environment: Readonly<Record<string, string>>;
  /** `--param NAME=VALUE`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A pipeline of ten steps whose results say everything that they reach. */
export function baseProject(writing: 'class' | 'controller'): ProjectState {
  return {
    files: new Map([
      ...Object.entries(SHARED),
      ['pipeline.ts', writing === 'class' ? AS_CLASS : AS_CONTROLLER],
      ...(writing === 'class' ? [] : ([['steps.ts', STEP_FUNCTIONS]] as const)),
    ]),
    environment: { MUTATE_REGION: 'north' },
    parameters: {},
  };
}

const AS_CLASS = `import { readFileSync } from 'node:fs';
import { Parameter, Pipeline, Step, currentTask, type FileValue } from 'run-pipeline';
import { price } from 'tiny-math';
import settings from './helpers/table.json' with { type: 'json' };
import { Level, parseRows, scaleBy, summary, Square, OFFSET } from './helpers/index.js';
import * as text from './helpers/text.js';
import { labelOf } from './helpers/registry.js';
import { shared } from '@acme/shared';
import { aliased } from '~/aliased.js';
import { mapped } from '#mapped';
import legacy from './helpers/legacy.cjs';
import { part } from './helpers/parts/index.js';
import './helpers/side-effect.js';

const SCALE = 3;
const twice = (value: number): number => value * 2;

function region(): string {
  return process.env.MUTATE_REGION ?? 'nowhere';
}

@Pipeline({ name: 'ten', project: 'mutation', version: '1.0.0', cache: true })
export class TenSteps {
  @Parameter({ type: 'file' })
  data = 'data/input.txt';

  @Parameter()
  factor = 4;

  @Parameter()
  title = 'report';

  @Step({ inputs: ['$<pipeline.data>'], returns: ['rows'] })
  load(file: FileValue): number[] {
    return parseRows(readFileSync(file.path, 'utf8'));
  }

  @Step({ inputs: ['$<load.rows>', '$<pipeline.factor>'], returns: ['scaled', 'count'] })
  scale(rows: number[], factor: number): { scaled: number[]; count: number } {
    return { scaled: rows.map((row) => scaleBy(row, factor) + SCALE), count: rows.length };
  }

  @Step({ inputs: ['$<scale.scaled>'], returns: ['labels'] })
  label(rows: number[]): string[] {
    return rows.map((row) => labelOf(row) + ':' + (row > 20 ? Level[Level.High] : Level[Level.Low]));
  }

  @Step({ inputs: ['$<scale.scaled>'], returns: ['prices'] })
  prices(rows: number[]): number[] {
    return rows.map((row) => price(row) + twice(OFFSET));
  }

  @Step({ returns: ['region'] })
  place(): { region: string; table: unknown } {
    return { region: region(), table: settings };
  }

  @Step({ returns: ['words'], assets: ['./asset.txt'] })
  words(): string[] {
    return readFileSync(currentTask().assetPath('asset.txt'), 'utf8').split(/\\s+/).map(text.shout);
  }

  @Step({ inputs: { size: 5 }, returns: ['area'] })
  area({ size }: { size: number }): object {
    const square = new Square(size);
    return { area: square.area(), name: square.name, kind: Square.kind, tag: text.tag\`\${size} of \${square.name}\` };
  }

  @Step({ returns: ['old'] })
  async old(): Promise<object> {
    const { lazily } = await import('./helpers/lazy.js');
    return { legacy: legacy(2), lazily: lazily(7), part: part(), shared: shared(1), aliased, mapped };
  }

  @Step({ inputs: ['$<prices.prices>', '$<scale.count>'], returns: ['total'] })
  total(prices: number[], count: number): number {
    return summary(prices) + count + this.bonus();
  }

  bonus(): number {
    return this.factor + 1;
  }

  @Step({
    inputs: ['$<total.total>', '$<label.labels>', '$<place.region>', '$<words.words>', '$<area.area>', '$<old.old>'],
    returns: ['report'],
  })
  report(...parts: unknown[]): string {
    return text.line(this.title, JSON.stringify(parts));
  }
}
`;

const AS_CONTROLLER = `import { PipelineController } from 'run-pipeline';
import * as steps from './steps.js';
import { OFFSET } from './helpers/index.js';

export const pipe = new PipelineController({ name: 'ten', project: 'mutation', version: '1.0.0' });
pipe.addParameter({ name: 'data', default: 'data/input.txt', type: 'file' });
pipe.addParameter({ name: 'factor', default: 4 });
pipe.addParameter({ name: 'title', default: 'report' });
const cached = { cacheExecutedStep: true };

pipe.addFunctionStep({ ...cached, name: 'load', function: steps.load, functionKwargs: { file: '$<pipeline.data>' }, functionReturn: ['rows'] });
pipe.addFunctionStep({ ...cached, name: 'scale', function: steps.scale, functionKwargs: { rows: '$<load.rows>', factor: '$<pipeline.factor>' }, functionReturn: ['scaled', 'count'] });
pipe.addFunctionStep({ ...cached, name: 'label', function: steps.label, functionKwargs: { rows: '$<scale.scaled>' }, functionReturn: ['labels'] });
pipe.addFunctionStep({ ...cached, name: 'prices', function: steps.prices, functionKwargs: { rows: '$<scale.scaled>' }, functionReturn: ['prices'] });
pipe.addFunctionStep({ ...cached, name: 'place', function: steps.place, functionReturn: ['region'] });
pipe.addFunctionStep({ ...cached, name: 'words', function: steps.words, functionReturn: ['words'], assets: ['./asset.txt'] });
pipe.addFunctionStep({ ...cached, name: 'area', function: steps.area, functionKwargs: { size: OFFSET }, functionReturn: ['area'] });
pipe.addFunctionStep({ ...cached, name: 'old', function: steps.old, functionReturn: ['old'] });
pipe.addFunctionStep({ ...cached, name: 'total', function: steps.total, functionKwargs: { prices: '$<prices.prices>', count: '$<scale.count>', factor: '$<pipeline.factor>' }, functionReturn: ['total'] });
pipe.addFunctionStep({ ...cached, name: 'report', function: steps.report, functionKwargs: { title: '$<pipeline.title>', parts: ['$<total.total>', '$<label.labels>', '$<place.region>', '$<words.words>', '$<area.area>', '$<old.old>'] }, functionReturn: ['report'] });
`;

const STEP_FUNCTIONS = `import { readFileSync } from 'node:fs';
import { currentTask, type FileValue } from 'run-pipeline';
import { price } from 'tiny-math';
import settings from './helpers/table.json' with { type: 'json' };
import { Level, parseRows, scaleBy, summary, Square, OFFSET } from './helpers/index.js';
import * as text from './helpers/text.js';
import { labelOf } from './helpers/registry.js';
import { shared } from '@acme/shared';
import { aliased } from '~/aliased.js';
import { mapped } from '#mapped';
import legacy from './helpers/legacy.cjs';
import { part } from './helpers/parts/index.js';
import './helpers/side-effect.js';

const SCALE = 3;
const twice = (value: number): number => value * 2;
const region = (): string => process.env.MUTATE_REGION ?? 'nowhere';

export function load(file: FileValue): number[] {
  return parseRows(readFileSync(file.path, 'utf8'));
}

export const scale = (rows: number[], factor: number) => ({
  scaled: rows.map((row) => scaleBy(row, factor) + SCALE),
  count: rows.length,
});

export function label(rows: number[]): string[] {
  return rows.map((row) => labelOf(row) + ':' + (row > 20 ? Level[Level.High] : Level[Level.Low]));
}

export function prices(rows: number[]): number[] {
  return rows.map((row) => price(row) + twice(OFFSET));
}

export function place(): object {
  return { region: region(), table: settings };
}

export function words(): string[] {
  return readFileSync(currentTask().assetPath('asset.txt'), 'utf8').split(/\\s+/).map(text.shout);
}

export function area(size: number): object {
  const square = new Square(size);
  return { area: square.area(), name: square.name, kind: Square.kind, tag: text.tag\`\${size} of \${square.name}\` };
}

export async function old(): Promise<object> {
  const { lazily } = await import('./helpers/lazy.js');
  return { legacy: legacy(2), lazily: lazily(7), part: part(), shared: shared(1), aliased, mapped };
}

export function total(prices: number[], count: number, factor: number): number {
  return summary(prices) + count + factor + 1;
}

export function report(title: string, parts: unknown[]): string {
  return text.line(title, JSON.stringify(parts));
}
`;

const SHARED: Readonly<Record<string, string>> = {
  'package.json': json({
    name: 'mutation',
    version: '1.0.0',
    type: 'module',
    private: true,
    workspaces: ['packages/*'],
    imports: { '#mapped': './helpers/mapped.ts' },
    dependencies: { 'tiny-math': '^1.0.0' },
  }),
  'tsconfig.json': json({
    compilerOptions: { target: 'es2022', strict: true, paths: { '~/*': ['./helpers/*'] } },
  }),
  'data/input.txt': '5 8 13 21\n',
  'asset.txt': 'alpha beta gamma\n',
  'helpers/index.ts': `export * from './numbers.js';
export * from './shapes.js';
export { parseRows } from './text.js';
`,
  'helpers/numbers.ts': `import { round } from './rounding.js';

export const OFFSET = 6;
const STEP = 2;
const UNUSED = 99;

export enum Level {
  Low = 1,
  High = 10,
}

export const enum Weight {
  Light = 2,
  Heavy = 20,
}

export interface Options {
  readonly weight: number;
}

export function scaleBy(value: number, factor: number, offset = OFFSET): number {
  const product = value * factor;
  return round(product + offset + Weight.Light);
}

function* upTo(limit: number): Generator<number> {
  for (let at = 0; at < limit; at += STEP) yield at;
}

const adder = (by: number) => (value: number) => value + by;
const addFour = adder(4);

export function summary(values: readonly number[]): number {
  const options: Options = { weight: 1 };
  let total = addFour(0);
  for (const value of values) total += value * options.weight;
  for (const value of upTo(5)) total += value;
  return total;
}

export function neverCalled(): number {
  return UNUSED + 1000;
}
`,
  'helpers/rounding.ts': `const DIGITS = 10;

export function round(value: number): number {
  return Math.round(value * DIGITS) / DIGITS;
}
`,
  'helpers/shapes.ts': `const hidden = Symbol('hidden');

abstract class Shape {
  abstract area(): number;
  get name(): string {
    return 'shape-' + this.sides;
  }
  get sides(): number {
    return 3;
  }
}

export class Square extends Shape {
  static kind = 'flat';
  static {
    Square.kind += '-square';
  }
  readonly #size: number;
  readonly [hidden] = 2;
  constructor(size: number) {
    super();
    this.#size = size;
  }
  override get sides(): number {
    return 4;
  }
  area(): number {
    return this.#size ** this[hidden];
  }
}
`,
  'helpers/text.ts': `const MARK = '!';
const SEPARATOR = ' | ';

export function parseRows(source: string): number[] {
  return source.trim().split(/\\s+/).map(Number);
}

export const shout = (word: string): string => word.toUpperCase() + MARK;

export function tag(strings: TemplateStringsArray, ...values: readonly unknown[]): string {
  return strings.raw.join('_') + values.join('-');
}

export function line(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}
`,
  'helpers/registry.ts': `export const registry = new Map<string, number>();
const alias = registry;
let threshold: number | undefined;

registry.set('small', 10);
alias.set('middle', 30);

function limit(): number {
  threshold ??= 100;
  return threshold;
}

export function labelOf(value: number): string {
  for (const [name, most] of registry) if (value <= most) return name;
  return value < limit() ? 'large' : 'huge';
}
labelOf.meta = 1;
`,
  'helpers/side-effect.ts': `import { registry } from './registry.js';

registry.set('side', 50);
`,
  'helpers/lazy.ts': `const BASE = 40;

export const lazily = (value: number): number => BASE + value;
`,
  'helpers/legacy.cjs': `const { limit } = require('./limit.cjs');

module.exports = function legacy(value) {
  return limit(value) + 1;
};
`,
  'helpers/limit.cjs': `exports.limit = (value) => Math.min(value, 50);
`,
  'helpers/parts/index.ts': `export const part = (): string => 'part of index';
`,
  'helpers/aliased.ts': `export const aliased = 'by path 1';
`,
  'helpers/mapped.ts': `export const mapped = 'by map 1';
`,
  'helpers/table.json': json({ low: 1, high: 9, names: ['x', 'y'] }),
  'packages/shared/package.json': json({
    name: '@acme/shared',
    version: '1.0.0',
    type: 'module',
    exports: './index.ts',
  }),
  'packages/shared/index.ts': `import { depth } from './depth.js';

export const shared = (value: number): number => value + depth;
`,
  'packages/shared/depth.ts': `export const depth = 70;
`,
  ...tinyMath('1.0.0', 2),
  ...tinyBase('2.0.0', 5),
};

export function tinyMath(version: string, by: number): Record<string, string> {
  return {
    'node_modules/tiny-math/package.json': json({
      name: 'tiny-math',
      version,
      type: 'module',
      exports: './index.js',
      dependencies: { 'tiny-base': '*' },
    }),
    'node_modules/tiny-math/index.js': `import { base } from 'tiny-base';

export const price = (value) => value * ${by} + base;
`,
  };
}

/** `below`: where it is installed, another package's directory if it is nested. */
export function tinyBase(version: string, base: number, below = ''): Record<string, string> {
  return {
    [`${below}node_modules/tiny-base/package.json`]: json({
      name: 'tiny-base',
      version,
      type: 'module',
      main: './index.js',
    }),
    [`${below}node_modules/tiny-base/index.js`]: `export const base = ${base};
`,
  };
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
