/**
 * A step that depends on its files in a way that is easy to overlook, and an edit that changes its
 * result. The step's function is the export `step` of `step.ts`.
 */
export interface Case {
  /** What is changed, as a fact about the step. */
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** Files as they are afterwards; undefined: taken away. */
  readonly edit: Readonly<Record<string, string | undefined>>;
  /** Files relative to the project instead of the case. */
  readonly project?: {
    readonly files: Readonly<Record<string, string>>;
    readonly edit: Readonly<Record<string, string | undefined>>;
  };
}

/** A case whose edit puts 2 for 1 where `¤` stands in one of its files. */
function digit(name: string, files: Readonly<Record<string, string>>): Case {
  const at = (value: string): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.replaceAll('¤', value)]));
  return { name, files: at('1'), edit: at('2') };
}

const packageJson = (name: string, more: object = {}): string =>
  JSON.stringify({ name, version: '1.0.0', type: 'module', ...more });

export const CASES: readonly Case[] = [
  digit('a prototype changed through an alias', {
    'step.ts': `import { Thing } from './thing.js';
const Alias = Thing;
const proto = Alias.prototype as { value: () => number };
proto.value = () => ¤;
export const step = () => new Thing().value();`,
    'thing.ts': `export class Thing { value() { return 0; } }`,
  }),
  digit('a prototype changed in another module, imported for that', {
    'step.ts': `import './patch.js'; import { Thing } from './thing.js'; export const step = () => new Thing().value();`,
    'patch.ts': `import { Thing } from './thing.js'; Object.assign(Thing.prototype, { value: () => ¤ });`,
    'thing.ts': `export class Thing { value() { return 0; } }`,
  }),
  digit('the end of a chain of re-exports', {
    'step.ts': `import { value } from './a.js'; export const step = () => value;`,
    'a.ts': `export { second as value } from './b.js';`,
    'b.ts': `export * from './c.js';`,
    'c.ts': `import { third } from './d.js'; export { third as second };`,
    'd.ts': `const third = ¤; export { third };`,
  }),
  {
    name: 'a local export that now shadows export *',
    files: {
      'step.ts': `import { value } from './barrel.js'; export const step = () => value;`,
      'barrel.ts': `export * from './one.js';`,
      'one.ts': `export const value = 1;`,
    },
    edit: { 'barrel.ts': `export * from './one.js'; export const value = 2;` },
  },
  {
    name: 'the default export of a barrel',
    files: {
      'step.ts': `import value from './barrel.js'; export const step = () => value;`,
      'barrel.ts': `export { one as default } from './one.js';`,
      'one.ts': `export const one = 1; export const two = 2;`,
    },
    edit: { 'barrel.ts': `export { two as default } from './one.js';` },
  },
  digit('a namespace that is indexed by a computed name', {
    'step.ts': `import * as all from './all.js'; const name = 'on' + 'e'; export const step = () => (all as Record<string, unknown>)[name];`,
    'all.ts': `export const one = ¤; export const two = 5;`,
  }),
  digit('a namespace that is handed on', {
    'step.ts': `import * as all from './all.js'; const values = (of: object) => Object.values(of); export const step = () => values(all);`,
    'all.ts': `export const one = ¤; export const two = 5;`,
  }),
  digit('a namespace re-exported as a name', {
    'step.ts': `import { inner } from './barrel.js'; export const step = () => inner.value;`,
    'barrel.ts': `export * as inner from './inner.js';`,
    'inner.ts': `export const value = ¤;`,
  }),
  digit('a dynamic import', {
    'step.ts': `export const step = async () => (await import('./lazy.js')).value;`,
    'lazy.ts': `import { deep } from './deep.js'; export const value = deep;`,
    'deep.ts': `export const deep = ¤;`,
  }),
  digit('a getter of an object', {
    'step.ts': `const box = { get value() { return inner(); } }; const inner = () => ¤; export const step = () => box.value;`,
  }),
  digit('a static block', {
    'step.ts': `class Holder { static value: number; static { Holder.value = ¤; } } export const step = () => Holder.value;`,
  }),
  digit('a static block of a class that nobody uses', {
    'step.ts': `import { table } from './table.js'; class Registers { static { table.set('a', ¤); } } export const step = () => table.get('a');`,
    'table.ts': `export const table = new Map<string, number>();`,
  }),
  digit('a static field of a class that nobody uses', {
    'step.ts': `import { table } from './table.js'; class Registers { static done = table.set('a', ¤); } export const step = () => table.get('a');`,
    'table.ts': `export const table = new Map<string, number>();`,
  }),
  digit("a decorator of the user's on a class that nobody uses", {
    'step.ts': `const table = new Map<string, unknown>();
const register = (name: string) => (target: unknown) => { table.set(name, target); };
@register('a') class Plugin { value() { return ¤; } }
export const step = () => new (table.get('a') as typeof Plugin)().value();`,
  }),
  digit("a decorator of the user's in another file", {
    'step.ts': `import './plugins.js'; import { table } from './table.js'; export const step = () => [...table.values()].map((each) => new each().value());`,
    'plugins.ts': `import { register } from './table.js'; @register class One { value() { return ¤; } }`,
    'table.ts': `export const table = new Map<string, new () => { value(): number }>();
export function register(target: new () => { value(): number }, _?: unknown): void { table.set(target.name, target); }`,
  }),
  digit('a decorator that wraps a method', {
    'step.ts': `const times = (by: number) => (method: unknown, context?: unknown, descriptor?: unknown): any => {
  if (descriptor === undefined) return function (this: unknown) { return (method as () => number).call(this) * by; };
  const old = (descriptor as PropertyDescriptor).value;
  return { ...(descriptor as object), value(this: unknown) { return old.call(this) * by; } };
};
class Holder { @times(1¤) value() { return 3; } }
export const step = () => new Holder().value();`,
  }),
  digit('a tagged template', {
    'step.ts': `import { tag } from './tag.js'; export const step = () => tag\`a\${1}b\`;`,
    'tag.ts': `export const tag = (strings: TemplateStringsArray, value: number) => strings.join('¤') + value;`,
  }),
  digit('a tagged template at the top level that registers', {
    'step.ts': `const table: string[] = []; const register = (strings: TemplateStringsArray) => table.push(strings[0]!);
const done = register\`a¤\`;
export const step = () => table;`,
  }),
  digit('a call at the top level whose value nobody uses', {
    'step.ts': `import { table, register } from './table.js'; const done = register('a', ¤); export const step = () => table.get('a');`,
    'table.ts': `export const table = new Map<string, number>(); export const register = (name: string, value: number) => table.set(name, value);`,
  }),
  digit('an instance whose method changes the state of its module', {
    'step.ts': `import { App, lookUp } from './app.js'; const app = new App(); app.register('a', ¤); export const step = () => lookUp('a');`,
    'app.ts': `const table = new Map<string, number>();
export class App { register(name: string, value: number) { table.set(name, value); return this; } }
export const lookUp = (name: string) => table.get(name);`,
  }),
  digit('an object whose method changes the state of its module', {
    'step.ts': `import { app, lookUp } from './app.js'; app.register('a', ¤); export const step = () => lookUp('a');`,
    'app.ts': `const table = new Map<string, number>();
export const app = { register(name: string, value: number) { table.set(name, value); } };
export const lookUp = (name: string) => table.get(name);`,
  }),
  digit('a constructor that registers', {
    'step.ts': `import { Service, all } from './service.js'; new Service(¤); export const step = () => all();`,
    'service.ts': `const made: number[] = []; export class Service { constructor(value: number) { made.push(value); } } export const all = () => made;`,
  }),
  digit('a named instance that registers itself', {
    'step.ts': `import { Service, all } from './service.js'; export const service = new Service(¤); export const step = () => all();`,
    'service.ts': `const made: number[] = []; export class Service { constructor(value: number) { made.push(value); } } export const all = () => made;`,
  }),
  digit('an object of a module changed by destructuring', {
    'step.ts': `const state = { value: 0 }; ({ value: state.value } = { value: ¤ }); export const step = () => state.value;`,
  }),
  digit('an object changed in a callback at the top level', {
    'step.ts': `const state: Record<string, number> = {}; [1, 2].forEach((each) => { state[each] = each * ¤; }); export const step = () => state;`,
  }),
  digit('an object changed by an immediately invoked function', {
    'step.ts': `const state = { value: 0 }; (() => { const inner = state; inner.value = ¤; })(); export const step = () => state.value;`,
  }),
  digit('an object changed through a parameter of a local function', {
    'step.ts': `const state = { value: 0 }; function change(of: { value: number }) { of.value = ¤; } change(state); export const step = () => state.value;`,
  }),
  digit('an object changed through a function of another module', {
    'step.ts': `import { change } from './change.js'; const state = { value: 0 }; change(state); export const step = () => state.value;`,
    'change.ts': `export function change(of: { value: number }) { of.value = ¤; }`,
  }),
  digit('an object changed through what a function returns', {
    'step.ts': `const state = { value: 0 }; const get = () => state; get().value = ¤; export const step = () => state.value;`,
  }),
  digit('an object changed through a container', {
    'step.ts': `const state = { value: 0 }; const box = { state }; box.state.value = ¤; export const step = () => state.value;`,
  }),
  digit('an object changed through an array', {
    'step.ts': `const one = { value: 0 }; const all = [one]; for (const each of all) each.value = ¤; export const step = () => one.value;`,
  }),
  digit('an object changed through a closure made by a factory', {
    'step.ts': `const make = (of: { value: number }) => ({ set: (value: number) => { of.value = value; } });
const state = { value: 0 }; const setter = make(state); setter.set(¤); export const step = () => state.value;`,
  }),
  digit('an object changed through destructured functions', {
    'step.ts': `const make = () => { let value = 0; return { set: (to: number) => { value = to; }, get: () => value }; };
const { set, get } = make(); set(¤); export const step = () => get();`,
  }),
  digit('a variable assigned in a branch', {
    'step.ts': `let mode = 0; if (typeof process === 'object') { mode = ¤; } else { mode = 5; } export const step = () => mode;`,
  }),
  digit('a variable assigned in try', {
    'step.ts': `let mode = 0; try { mode = JSON.parse('¤'); } catch { mode = 5; } export const step = () => mode;`,
  }),
  digit('a variable assigned through a setter exported elsewhere', {
    'step.ts': `import { configure, value } from './config.js'; configure(¤); export const step = () => value();`,
    'config.ts': `let current = 0; export const configure = (to: number) => { current = to; }; export const value = () => current;`,
  }),
  digit('a live binding changed by its own module', {
    'step.ts': `import { current, configure } from './config.js'; configure(¤); export const step = () => current;`,
    'config.ts': `export let current = 0; export function configure(to: number) { current = to; }`,
  }),
  digit('configuration in a module that is imported for that', {
    'step.ts': `import './configure.js'; import { value } from './config.js'; export const step = () => value();`,
    'configure.ts': `import { configure } from './config.js'; configure(¤);`,
    'config.ts': `let current = 0; export const configure = (to: number) => { current = to; }; export const value = () => current;`,
  }),
  digit('a global set by a module that is imported for that', {
    'step.ts': `import './globals.js'; export const step = () => (globalThis as Record<string, unknown>)['caseGlobal'];`,
    'globals.ts': `(globalThis as Record<string, unknown>)['caseGlobal'] = ¤;`,
  }),
  digit('a global set at the top level', {
    'step.ts': `Object.assign(globalThis, { caseTop: ¤ }); export const step = () => (globalThis as Record<string, unknown>)['caseTop'];`,
  }),
  digit('a default parameter that is a variable of the module', {
    'step.ts': `const fallback = ¤; const use = (value = fallback) => value; export const step = () => use();`,
  }),
  digit('a default in a destructured parameter', {
    'step.ts': `import { fallback } from './f.js'; const use = ({ value = fallback }: { value?: number } = {}) => value; export const step = () => use();`,
    'f.ts': `export const fallback = ¤;`,
  }),
  digit('a computed key', {
    'step.ts': `const key = 'k¤'; const table = { [key]: 1, other: 2 }; export const step = () => Object.keys(table);`,
  }),
  digit('a symbol as a key', {
    'step.ts': `import { key } from './key.js'; const box = { [key]: ¤ }; export const step = () => box[key];`,
    'key.ts': `export const key = Symbol('key');`,
  }),
  digit('a Proxy', {
    'step.ts': `const handler: ProxyHandler<object> = { get: (_, name) => String(name) + suffix }; const suffix = '¤'; const box = new Proxy({}, handler) as Record<string, string>; export const step = () => box['any'];`,
  }),
  digit('a generator', {
    'step.ts': `const LIMIT = ¤; function* numbers() { for (let at = 0; at < LIMIT; at++) yield at; } export const step = () => [...numbers()];`,
  }),
  digit('an iterator protocol', {
    'step.ts': `const range = { *[Symbol.iterator]() { yield END; } }; const END = ¤; export const step = () => [...range];`,
  }),
  digit('a name that a local variable shadows elsewhere', {
    'step.ts': `const rate = ¤; const other = () => { const rate = 100; return rate; }; export const step = () => rate + other();`,
  }),
  digit('a label and a variable of one name', {
    'step.ts': `const outer = ¤; export const step = () => { outer: for (;;) { break outer; } return outer; };`,
  }),
  digit('an arrow that a constant holds through satisfies and as', {
    'step.ts': `const table = { one: () => inner } as const satisfies Record<string, () => number>; const inner = ¤; export const step = () => table.one();`,
  }),
  digit('an enum', {
    'step.ts': `enum Size { Small = ¤, Large } export const step = () => [Size.Large, Size[¤]];`,
  }),
  digit('a constant enum of another file', {
    'step.ts': `import { Size } from './size.js'; export const step = () => Size.Large;`,
    'size.ts': `export const enum Size { Small = ¤, Large }`,
  }),
  digit('a namespace of TypeScript', {
    'step.ts': `namespace Config { export const value = ¤; export function read() { return value; } } export const step = () => Config.read();`,
  }),
  digit('a namespace merged with a function', {
    'step.ts': `function use() { return use.value; } namespace use { export let value = ¤; } export const step = () => use();`,
  }),
  digit('a property set on a function', {
    'step.ts': `function use() { return use.value; } use.value = ¤; export const step = () => use();`,
  }),
  digit('parameter properties of a constructor', {
    'step.ts': `const initial = ¤; class Holder { constructor(readonly value = initial) {} } export const step = () => new Holder().value;`,
  }),
  digit('a base class behind a mixin', {
    'step.ts': `import { Base } from './base.js'; const Mixed = <T extends new (...args: any[]) => object>(Of: T) => class extends Of { extra() { return BONUS; } }; const BONUS = ¤;
class Thing extends Mixed(Base) {} export const step = () => [new Thing().extra(), new Thing().value()];`,
    'base.ts': `export class Base { value() { return 3; } }`,
  }),
  digit('a base class of another file', {
    'step.ts': `import { Base } from './base.js'; class Thing extends Base {} export const step = () => new Thing().value();`,
    'base.ts': `import { deep } from './deep.js'; export abstract class Base { value() { return deep(); } }`,
    'deep.ts': `export const deep = () => ¤;`,
  }),
  digit('an accessor and a private method', {
    'step.ts': `class Holder { accessor count = ¤; #twice() { return this.count * 2; } get value() { return this.#twice(); } } export const step = () => new Holder().value;`,
  }),
  digit('eval of a string', {
    'step.ts': `const formula = '1 + ¤'; export const step = () => (0, eval)(formula);`,
  }),
  digit('new Function', {
    'step.ts': `const compute = new Function('x', 'return x + ¤') as (x: number) => number; export const step = () => compute(1);`,
  }),
  digit('JSON', {
    'step.ts': `import table from './table.json' with { type: 'json' }; export const step = () => table;`,
    'table.json': `{ "value": ¤ }`,
  }),
  digit('JSON, one name of it', {
    'step.ts': `import { value } from './table.json'; export const step = () => value;`,
    'table.json': `{ "value": ¤, "other": 3 }`,
  }),
  digit('CommonJS', {
    'step.ts': `import helper from './helper.cjs'; export const step = () => helper.value();`,
    'helper.cjs': `const inner = require('./inner.cjs'); exports.value = () => inner;`,
    'inner.cjs': `module.exports = ¤;`,
  }),
  digit('CommonJS with a conditional require', {
    'step.ts': `import helper from './helper.cjs'; export const step = () => helper;`,
    'helper.cjs': `module.exports = typeof process === 'object' ? require('./one.cjs') : require('./other.cjs');`,
    'one.cjs': `module.exports = ¤;`,
    'other.cjs': `module.exports = 'other';`,
  }),
  digit('CommonJS with a require inside a function', {
    'step.ts': `import { lazily } from './helper.cjs'; export const step = () => lazily();`,
    'helper.cjs': `exports.lazily = () => require('./inner.json').value;`,
    'inner.json': `{ "value": ¤ }`,
  }),
  digit('CommonJS that changes what it requires', {
    'step.ts': `import './patch.cjs'; import shared from './shared.cjs'; export const step = () => shared.value;`,
    'patch.cjs': `require('./shared.cjs').value = ¤;`,
    'shared.cjs': `exports.value = 0;`,
  }),
  {
    name: 'a TypeScript file that JavaScript of the same name now shadows',
    files: {
      'step.ts': `import { value } from './helper.js'; export const step = () => value;`,
      'helper.ts': `export const value = 1;`,
    },
    edit: { 'helper.js': `export const value = 2;` },
  },
  {
    name: 'a directory index that a file now shadows',
    files: {
      'step.ts': `import { value } from './helper'; export const step = () => value;`,
      'helper/index.ts': `export const value = 1;`,
    },
    edit: { 'helper.ts': `export const value = 2;` },
  },
  {
    name: 'an index.ts that an index.tsx now shadows',
    files: {
      'step.ts': `import { value } from './helper'; export const step = () => value;`,
      'helper/index.ts': `export const value = 1;`,
    },
    edit: { 'helper/index.tsx': `export const value = 2;` },
  },
  {
    name: 'an extensionless import that another extension now wins',
    files: {
      'step.ts': `import { value } from './helper'; export const step = () => value;`,
      'helper.js': `export const value = 1;`,
    },
    edit: { 'helper.ts': `export const value = 2;` },
  },
  {
    name: 'a directory whose package.json now has a main',
    files: {
      'step.ts': `import { value } from './helper'; export const step = () => value;`,
      'helper/index.ts': `export const value = 1;`,
      'helper/other.ts': `export const value = 2;`,
    },
    edit: { 'helper/package.json': `{ "main": "./other.ts" }` },
  },
  {
    name: 'tsconfig paths of its own directory',
    files: {
      'step.ts': `import { value } from '@case/value'; export const step = () => value;`,
      'tsconfig.json': `{ "compilerOptions": { "paths": { "@case/*": ["./one/*"] } } }`,
      'one/value.ts': `export const value = 1;`,
      'two/value.ts': `export const value = 2;`,
    },
    edit: { 'tsconfig.json': `{ "compilerOptions": { "paths": { "@case/*": ["./two/*"] } } }` },
  },
  {
    name: 'tsconfig paths of a base that is extended',
    files: {
      'step.ts': `import { value } from '@base/value'; export const step = () => value;`,
      'tsconfig.json': `{ "extends": "./base.json" }`,
      'base.json': `{ "compilerOptions": { "paths": { "@base/*": ["./one/*"] } } }`,
      'one/value.ts': `export const value = 1;`,
      'two/value.ts': `export const value = 2;`,
    },
    edit: { 'base.json': `{ "compilerOptions": { "paths": { "@base/*": ["./two/*"] } } }` },
  },
  {
    name: 'tsconfig paths whose first target now exists',
    files: {
      'step.ts': `import { value } from '@first/value'; export const step = () => value;`,
      'tsconfig.json': `{ "compilerOptions": { "paths": { "@first/*": ["./one/*", "./two/*"] } } }`,
      'two/value.ts': `export const value = 2;`,
    },
    edit: { 'one/value.ts': `export const value = 1;` },
  },
  {
    name: 'class fields: assigned or defined',
    files: {
      'step.ts': `class Base { set value(to: number) { log.push(to); } } class Thing extends Base { override value = 1; } const log: number[] = []; export const step = () => { new Thing(); return log; };`,
      'tsconfig.json': `{ "compilerOptions": { "useDefineForClassFields": true } }`,
    },
    edit: { 'tsconfig.json': `{ "compilerOptions": { "useDefineForClassFields": false } }` },
  },
  {
    name: 'JSX whose factory changes',
    files: {
      'step.ts': `export { step } from './view.js';`,
      'view.tsx': `const one = (tag: string) => tag + 1; const two = (tag: string) => tag + 2; export const step = () => <p />;`,
      'tsconfig.json': `{ "compilerOptions": { "jsx": "react", "jsxFactory": "one" } }`,
    },
    edit: { 'tsconfig.json': `{ "compilerOptions": { "jsx": "react", "jsxFactory": "two" } }` },
  },
  {
    name: 'the imports of its package.json',
    files: {
      'step.ts': `import { value } from '#value'; export const step = () => value;`,
      'package.json': packageJson('imports-case', { imports: { '#value': './one.ts' } }),
      'one.ts': `export const value = 1;`,
      'two.ts': `export const value = 2;`,
    },
    edit: { 'package.json': packageJson('imports-case', { imports: { '#value': './two.ts' } }) },
  },
  {
    name: 'a package.json that now comes between',
    files: {
      'step.ts': `import { value } from './inner/use.js'; export const step = () => value;`,
      'package.json': packageJson('outer-case', { imports: { '#value': './one.ts' } }),
      'inner/use.ts': `export { value } from '#value';`,
      'one.ts': `export const value = 1;`,
      'inner/two.ts': `export const value = 2;`,
    },
    edit: { 'inner/package.json': packageJson('inner-case', { imports: { '#value': './two.ts' } }) },
  },
  {
    name: 'conditions of the exports of a package',
    files: { 'step.ts': `import { value } from 'conditional'; export const step = () => value;` },
    edit: {},
    project: {
      files: {
        'node_modules/conditional/package.json': packageJson('conditional', {
          exports: { default: './one.js' },
        }),
        'node_modules/conditional/one.js': `export const value = 1;`,
        'node_modules/conditional/two.js': `export const value = 2;`,
      },
      edit: {
        'node_modules/conditional/package.json': packageJson('conditional', {
          exports: { node: './two.js', default: './one.js' },
        }),
      },
    },
  },
  {
    name: 'a package patched in place',
    files: { 'step.ts': `import { value } from 'patched'; export const step = () => value();` },
    edit: {},
    project: {
      files: {
        'node_modules/patched/package.json': packageJson('patched', { exports: './index.js' }),
        'node_modules/patched/index.js': `import { inner } from './inner.js'; export const value = () => inner;`,
        'node_modules/patched/inner.js': `export const inner = 1;`,
      },
      edit: { 'node_modules/patched/inner.js': `export const inner = 2;` },
    },
  },
  {
    name: 'a package two levels down patched in place',
    files: { 'step.ts': `import { value } from 'upper'; export const step = () => value;` },
    edit: {},
    project: {
      files: {
        'node_modules/upper/package.json': packageJson('upper', {
          exports: './i.js',
          dependencies: { lower: '*' },
        }),
        'node_modules/upper/i.js': `export { value } from 'lower';`,
        'node_modules/lower/package.json': packageJson('lower', { exports: './i.js' }),
        'node_modules/lower/i.js': `export const value = 1;`,
      },
      edit: { 'node_modules/lower/i.js': `export const value = 2;` },
    },
  },
  {
    name: 'a package now installed nearer',
    files: { 'step.ts': `import { value } from 'nearer'; export const step = () => value;` },
    edit: {
      'node_modules/nearer/package.json': packageJson('nearer', { exports: './i.js' }),
      'node_modules/nearer/i.js': `export const value = 2;`,
    },
    project: {
      files: {
        'node_modules/nearer/package.json': packageJson('nearer', { exports: './i.js' }),
        'node_modules/nearer/i.js': `export const value = 1;`,
      },
      edit: {},
    },
  },
  {
    name: 'a subpath of a package without exports',
    files: { 'step.ts': `import { value } from 'plain/lib/value.js'; export const step = () => value;` },
    edit: {},
    project: {
      files: {
        'node_modules/plain/package.json': packageJson('plain'),
        'node_modules/plain/lib/value.js': `export const value = 1;`,
        'node_modules/plain/other.js': `export const value = 2;`,
      },
      edit: {
        'node_modules/plain/package.json': packageJson('plain', {
          exports: { './lib/value.js': './other.js' },
        }),
      },
    },
  },
  {
    name: 'a package linked from outside',
    files: { 'step.ts': `import { value } from '@acme/linked'; export const step = () => value();` },
    edit: {},
    project: {
      files: {
        'linked/package.json': packageJson('@acme/linked', { exports: './index.js' }),
        'linked/index.js': `import { inner } from './inner.js'; export const value = () => inner;`,
        'linked/inner.js': `export const inner = 1;`,
      },
      edit: { 'linked/inner.js': `export const inner = 2;` },
    },
  },
];
