/** One way of writing a step, and what its package must be. */
export interface SlicingCase {
  readonly source: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  /** What the step returns when called with 1. */
  readonly returns?: unknown;
  /** Codes of expected errors; then there is no package. */
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  /** Must not be in the code. */
  readonly absent?: readonly string[];
  /** Expected direct dependencies. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** The step runs the code of its sibling: an edit there changes it. */
  readonly reachesSibling?: boolean;
  /** Default: as the source looks. */
  readonly writing?: 'class' | 'controller' | 'function';
  /** `step_two` is requested as well. */
  readonly withSibling?: boolean;
  /** Default: `pipeline.ts`. */
  readonly file?: string;
  /** Text at which the registering call stands, when the name does not tell. */
  readonly call?: string;
  readonly function?: (...args: never[]) => unknown;
  readonly cached?: boolean;
}

/** A controller with two functions. */
function functions(before: string, one: string, two = 'return 2', after = ''): string {
  return `import { PipelineController } from 'run-pipeline';
${before}
export async function step_one(df: number = 1) { ${one} }
export function step_two() { ${two} /*TWO*/ }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'step_one', function: step_one, functionKwargs: {} });
pipe.addFunctionStep({ name: 'step_two', function: step_two });
${after}
await pipe.start();
`;
}

/** A decorated class with a second step. */
function inClass(before: string, members: string, heritage = ''): string {
  return `import { Parameter, Pipeline, Step } from 'run-pipeline';
${before}
@Pipeline({ name: 'p' })
export class P ${heritage} {
${members}
@Step({ name: 'step_two' }) step_two() { return 2 /*TWO*/ }
}
`;
}

/** A controller, with the registered expression free to choose. */
function registering(before: string, expression: string): string {
  return `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController();
${before}
export function step_two() { return 2 /*TWO*/ }
pipe.addFunctionStep({ name: 'step_one', function: ${expression} });
pipe.addFunctionStep({ name: 'step_two', function: step_two });
await pipe.start();
`;
}

const dotenv = {
  'node_modules/dotenvx/package.json': '{"name":"dotenvx","version":"1.0.0"}',
  'node_modules/dotenvx/index.js': 'module.exports={config(){process.env.FROM_DOTENV="y"}}',
};

export const functionCases: Readonly<Record<string, SlicingCase>> = {
  'what it reaches': {
    source: functions(
      'const helper = (x: number) => x + K; const K = 10; const unused = JSON.parse("{bad");',
      'return helper(df)',
    ),
    returns: 11,
    absent: ['bad'],
  },
  'an inline arrow': {
    source: `import { PipelineController } from 'run-pipeline'; const k = 5; const pipe = new PipelineController(); pipe.addFunctionStep({ name: 'step_one', function: async (df = 1) => df + k }); pipe.addFunctionStep({ name: 'step_two', function: () => 2 }); await pipe.start();`,
    returns: 6,
  },
  'an inline arrow that captures a loop variable': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); for (const i of [1,2]) { const j = i*2; pipe.addFunctionStep({ name: 'step_one', function: () => j }); }`,
    errors: ['captures-local'],
  },
  'a default export': {
    source: `import { PipelineController } from 'run-pipeline'; export default async function step_one(df = 1) { return df + 41 }\nfunction step_two() { return 2 }\nconst pipe = new PipelineController(); pipe.addFunctionStep({name:'step_one', function: step_one}); pipe.addFunctionStep({name:'step_two', function: step_two}); await pipe.start()`,
    returns: 42,
  },
  'destructured constants': {
    source: functions(
      'const { a, b: [c, ...d], ...rest } = { a: 1, b: [2, 3, 4], z: 9 } as any; let x = 1, y = (() => { throw new Error("y") })();',
      'return a + c + d.length + rest.z',
    ),
    returns: 14,
  },
  'enums and namespaces': {
    source: functions(
      'enum Color { Red = 3, Blue } const enum CE { A = 7 } namespace NS { export const a = 5; export namespace In { export const q = 6 } } namespace Other { export const b = sideEffect() } function sideEffect(): any { throw 1 } namespace NS { export const merged = 100 }',
      'return Color.Red + CE.A + NS.a + NS.In.q + NS.merged + (Color[3] === "Red" ? 1 : 0)',
    ),
    returns: 122,
    absent: ['sideEffect'],
  },
  'state that top-level code fills': {
    source: functions(
      'const registry = new Map<string, number>(); registry.set("a", 4); registry.set("b", 5); const other: any[] = []; other.push("OTHER"); let n = 0; function bump() { n += 7 } bump(); for (let i = 0; i < 3; i++) n++; console.log("noise", registry.size);',
      'return registry.get("a")! + registry.size + n',
    ),
    returns: 16,
    absent: ['OTHER', 'noise'],
  },
  'a prototype that top-level code extends': {
    source: functions(
      'class H { declare extra: () => number } H.prototype.extra = function () { return 9 }; Object.assign(H, { s: 1 }); const cfg: any = {}; cfg.a ??= { v: 1 }; Object.defineProperty(cfg, "q", { value: 5 });',
      'return new H().extra() + (H as any).s + cfg.a.v + cfg.q',
    ),
    returns: 16,
  },
  'a counter that two steps share': {
    source: functions('let counter = 0;', 'counter++; return counter', 'return counter'),
    withSibling: true,
    errors: ['shared-module-state'],
  },
  'a counter of one step': {
    source: functions('let counter = 0;', 'counter++; return counter'),
    withSibling: true,
    returns: 1,
  },
  'the pipeline object': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); function step_one() { return pipe.x } function step_two() { return 2 }; pipe.addFunctionStep({ name: 'step_one', function: step_one }); pipe.addFunctionStep({ name: 'step_two', function: step_two });`,
    errors: ['references-pipeline'],
  },
  'a main function': {
    source: `import { PipelineController } from 'run-pipeline'; const conf: any = {}; export function step_one() { return (conf.x ?? 0) + 3 } function step_two() { return 2 } async function main() { const pipe = new PipelineController(); pipe.addFunctionStep({ name: 'step_one', function: step_one }); pipe.addFunctionStep({ name: 'step_two', function: step_two }); await pipe.start(); } await main();`,
    returns: 3,
    absent: ['main'],
  },
  'a main function that also sets state': {
    source: `import { PipelineController } from 'run-pipeline'; const conf: any = {}; export function step_one() { return (conf.x ?? 0) + 3 } async function main() { conf.x = 1; const pipe = new PipelineController(); pipe.addFunctionStep({ name: 'step_one', function: step_one }); await pipe.start(); } await main();`,
    returns: 3,
    warnings: ['setup-drives-pipeline'],
  },
  'a statement that drives the pipeline and sets state': {
    source: `import { PipelineController } from 'run-pipeline'; const conf: any = {}; const pipe = new PipelineController(); export function step_one() { return conf.x } pipe.addFunctionStep({ name: 'step_one', function: step_one }); if (true) { conf.x = 1; await pipe.start(); }`,
    errors: ['setup-drives-pipeline'],
  },
  'an if-main': {
    source: `import { PipelineController } from 'run-pipeline'; export function step_one() { return 3 } export function step_two() { return 2 } export const pipe = new PipelineController(); pipe.addFunctionStep({ name: 'step_one', function: step_one }); pipe.addFunctionStep({ name: 'step_two', function: step_two }); if (process.argv[1] === import.meta.filename) { await pipe.start() }`,
    returns: 3,
  },
  'a top-level await': {
    source: functions(
      'const data = await Promise.resolve({ v: 5 }); const never = await new Promise<never>(() => {});',
      'return data.v',
    ),
    returns: 5,
  },
  'a bare import': {
    source: functions('import "./setup"; ', 'return (globalThis as any).SETUP'),
    files: { 'setup.ts': 'globalThis.SETUP = 77' },
    returns: 77,
  },
  generators: {
    source: functions(
      'function* g() { yield 1; yield 2 } async function* ag() { for (const x of g()) yield x }',
      'let s = 0; for await (const x of ag()) s += x; return s',
    ),
    returns: 3,
  },
  'a call of another step': {
    source: functions('', 'return step_two() + 1'),
    withSibling: true,
    returns: 3,
    warnings: ['calls-step'],
    reachesSibling: true,
  },
  'a barrel': {
    source: functions('import { util } from "./lib"; import * as all from "./lib";', 'return util(df)'),
    files: {
      'lib/index.ts':
        'export * from "./u"; export * from "./v"; export { default as dd } from "./w"; export type { T } from "./t"',
      'lib/u.ts': 'export function util(x:number){return x+100}\nexport function unusedInU(){}',
      'lib/v.ts': 'export const heavy = () => "HEAVY_V"',
      'lib/w.ts': 'export default class W {}',
      'lib/t.ts': 'export type T = 1',
    },
    returns: 101,
    absent: ['HEAVY_V', 'unusedInU'],
  },
  'a barrel as a namespace': {
    source: functions('import * as all from "./lib";', 'return all.util(df)'),
    files: {
      'lib/index.ts': 'export * from "./u"; export * from "./v"',
      'lib/u.ts': 'export function util(x:number){return x+100}',
      'lib/v.ts': 'export const heavy = () => "HEAVY_V"',
    },
    returns: 101,
    absent: ['HEAVY_V'],
  },
  'a namespace as a value': {
    source: functions(
      'import * as all from "./lib";',
      'return Object.keys(all).sort().join() + all["util"](df)',
    ),
    files: {
      'lib/index.ts': 'export * from "./u"; export { v as renamed, default } from "./v"',
      'lib/u.ts': 'export function util(x:number){return x+100}',
      'lib/v.ts': 'export const v = 1; export default 2',
    },
    returns: 'default,renamed,util101',
  },
  'a barrel beside an impure module': {
    source: functions('import { util } from "./lib";', 'return util(df)'),
    files: {
      'lib/index.ts': 'export * from "./u"; export * from "./v"',
      'lib/u.ts': 'export function util(x:number){return x+100}',
      'lib/v.ts': 'export const heavy = compute(); function compute(){ return "HEAVY_V" }',
    },
    returns: 101,
    absent: ['HEAVY_V'],
  },
  'a barrel whose sibling registers': {
    source: functions('import { lookUp } from "./lib";', 'return lookUp("v")'),
    files: {
      'lib/index.ts': 'export * from "./registry"; export * from "./v"',
      'lib/registry.ts':
        'const known = new Map<string, number>(); export const register = (n: string, v: number) => { known.set(n, v) }; export const lookUp = (n: string) => known.get(n)',
      'lib/v.ts': 'import { register } from "./registry"; register("v", 8); export const v = 1',
    },
    returns: 8,
  },
  'a dynamic import': {
    source: functions(
      '',
      'const m = await import("./lazy"); const n = await import("node:path"); return m.v + (n.sep === "/" ? 1 : 0)',
    ),
    files: { 'lazy.ts': 'export const v = 8' },
    returns: 9,
  },
  'a dynamic import of an expression': {
    source: functions('', 'const which = "node:os"; const m = await import(which); return typeof m.cpus'),
    returns: 'function',
    warnings: ['dynamic-import'],
  },
  JSON: {
    source: functions(
      'import data from "./d.json"; import d2 from "./d.json" with { type: "json" };',
      'return data.v + d2.w',
    ),
    files: { 'd.json': '{"v":4,"w":5}' },
    returns: 9,
  },
  'built-in modules': {
    source: functions(
      'import fs from "fs"; import { join } from "path"; import { createHash } from "node:crypto";',
      'return join("a","b") + typeof fs.readFileSync',
    ),
    returns: 'a/bfunction',
  },
  'imports of types': {
    source: functions(
      'import type { X } from "./nope"; import { type Y, z } from "./yes"; import { OnlyType } from "./types"; interface I { a: X } type Q = Y;',
      'const i: OnlyType = 1 as any; return z as any',
    ),
    files: {
      'yes.ts': 'export type Y = 1; export const z = 6',
      'types.ts': 'export type OnlyType = number; globalThis.LEAK = 1',
    },
    returns: 6,
    absent: ['LEAK'],
  },
  'a CommonJS file': {
    source: functions('import cj, { named } from "./dep.cjs";', 'return cj.named + named'),
    files: { 'dep.cjs': 'const p = require("path"); exports.named = p.basename("/x/7") * 1' },
    returns: 14,
  },
  'a CommonJS file that requires another, reads the environment and keeps state': {
    source: functions('import { next } from "./dep.cjs";', 'return next()', 'return next()'),
    files: {
      'dep.cjs': 'const { start } = require("./start.cjs"); let n = start; exports.next = () => ++n',
      'start.cjs': 'exports.start = Number(process.env.NO_SUCH_START || 4)',
    },
    withSibling: true,
    errors: ['shared-module-state'],
  },
  'a CommonJS file that requires a package': {
    source: functions('import cj from "./dep.cjs";', 'return cj.value'),
    files: {
      'dep.cjs': 'const make = require("cjspkg"); exports.value = make()',
      'node_modules/cjspkg/package.json': '{"name":"cjspkg","version":"3.2.1"}',
      'node_modules/cjspkg/index.js': 'module.exports=()=>5',
    },
    returns: 5,
    dependencies: { cjspkg: '3.2.1' },
  },
  'a CommonJS package': {
    source: functions('import cp from "cjspkg"; import { sub } from "cjspkg/sub.js";', 'return cp.v + sub'),
    files: {
      'node_modules/cjspkg/package.json': '{"name":"cjspkg","version":"3.2.1"}',
      'node_modules/cjspkg/index.js': 'module.exports={v:1}',
      'node_modules/cjspkg/sub.js': 'exports.sub = 2',
    },
    returns: 3,
    dependencies: { cjspkg: '3.2.1' },
  },
  'a package with an exports map': {
    source: functions('import { v } from "@s/esm/feature";', 'return v'),
    files: {
      'node_modules/@s/esm/package.json':
        '{"name":"@s/esm","version":"1.2.3-rc.1","type":"module","exports":{"./feature":{"import":"./dist/f.js"}}}',
      'node_modules/@s/esm/dist/f.js': 'export const v = 12',
      'node_modules/@s/esm/dist/package.json': '{"type":"module"}',
    },
    returns: 12,
    dependencies: { '@s/esm': '1.2.3-rc.1' },
  },
  'a package that is not installed': {
    source: functions('import { v } from "not-installed";', 'return v'),
    errors: ['unresolved-import'],
  },
  'a file that is not there': {
    source: functions('import { v } from "./nowhere";', 'return v'),
    errors: ['unresolved-import'],
  },
  'a package that is not installed, unreached': {
    source: functions('import { v } from "not-installed"; const w = v + 1;', 'return df'),
    returns: 1,
  },
  'a native add-on of the project': {
    source: functions('import n from "./x.node";', 'return n'),
    files: { 'x.node': 'x' },
    errors: ['native-relative'],
  },
  'tsconfig paths': {
    source: functions('import { p } from "@app/p"; import { v } from "real";', 'return p + v'),
    files: {
      'tsconfig.json': '{"extends":"./base.json"}',
      'base.json': '{ // paths\n"compilerOptions":{"baseUrl":".","paths":{"@app/*":["src/app/*"],},}}',
      'src/app/p.ts': 'export const p = 20',
      'node_modules/real/package.json': '{"name":"real","version":"0.0.1","main":"i.js"}',
      'node_modules/real/i.js': 'exports.v=2',
    },
    returns: 22,
    dependencies: { real: '0.0.1' },
  },
  'the imports map of package.json': {
    source: functions('import { p } from "#app/p.js";', 'return p'),
    files: {
      'package.json': '{"name":"scratch","version":"0.0.0","type":"module","imports":{"#app/*":"./src/*"}}',
      'src/p.ts': 'export const p = 21',
    },
    returns: 21,
  },
  'a workspace package': {
    source: functions('import { w } from "@ws/lib";', 'return w()'),
    files: {
      'packages/lib/package.json':
        '{"name":"@ws/lib","version":"0.0.0","type":"module","exports":"./src/index.ts"}',
      'packages/lib/src/index.ts': 'import dep from "wsdep"; export const w = (): number => 30 + dep',
      'packages/lib/node_modules/wsdep/package.json':
        '{"name":"wsdep","version":"9.9.9","type":"module","main":"i.js"}',
      'packages/lib/node_modules/wsdep/i.js': 'export default 1',
    },
    links: { 'node_modules/@ws/lib': '../../packages/lib' },
    returns: 31,
    dependencies: { wsdep: '9.9.9' },
  },
  'import.meta.url': {
    source: functions(
      'import { fileURLToPath } from "node:url"; const here = new URL("./d.txt", import.meta.url);',
      'return fileURLToPath(here).endsWith("/d.txt") && import.meta.filename.endsWith("/pipeline.ts") && import.meta.dirname + "/pipeline.ts" === import.meta.filename',
    ),
    returns: true,
    warnings: ['import-meta'],
  },
  __dirname: { source: functions('', 'return __dirname'), errors: ['cjs-global'] },
  'require in an ES module': { source: functions('', 'return require("fs")'), errors: ['cjs-global'] },
  'a framework import': {
    source: functions(
      'import { currentTask } from "run-pipeline";',
      'return typeof currentTask === "function" ? df : df',
    ),
    absent: ['PipelineController'],
  },
  'state that is changed through an alias': {
    source: functions(
      'const registry = new Map<string, number>(); const alias = registry; alias.set("a", 4); function setup() { fill(registry) } function fill(m: any) { m.set("b", 5) } setup();',
      'return registry.get("a")! + registry.get("b")!',
    ),
    returns: 9,
  },
  'set-up of packages': {
    source: functions(
      'import dotenv from "dotenvx"; import { init } from "./init"; const options = { path: ".env" }; dotenv.config(options); init();',
      'return (process.env.FROM_DOTENV ?? "none") + (globalThis as any).INIT',
    ),
    files: { 'init.ts': 'export function init() { (globalThis as any).INIT = 1 }', ...dotenv },
    returns: 'y1',
  },
  'set-up of something it does not reach': {
    source: functions(
      'const app = makeApp(); function makeApp() { return { use(x: string) {} } } app.use("MIDDLEWARE");',
      'return df',
    ),
    returns: 1,
    absent: ['MIDDLEWARE'],
  },
  'a property of its own function': {
    source: functions(
      '',
      'return (step_one as any).meta.v',
      'return 2',
      '(step_one as any).meta = { v: 6 }; (step_two as any).meta = { v: "TWO" };',
    ),
    returns: 6,
    absent: ['TWO'],
  },
  'circular helpers': {
    source: functions('import { a } from "./a";', 'return a()'),
    files: {
      'a.ts': 'import { b } from "./b"; export const a = () => b() + 1; export const one = 1',
      'b.ts': 'import { one } from "./a"; export const b = () => one + 1',
    },
    returns: 3,
  },
  'a helper that imports the pipeline file': {
    source: functions('import { a } from "./a"; export const K = 4;', 'return a()'),
    files: { 'a.ts': 'import { K } from "./pipeline"; export const a = () => K + 1;' },
    returns: 5,
  },
  'a wrapped function': {
    source: registering(
      'const withRetry = (f: any) => async (...a: any[]) => f(...a); const step_one = withRetry(async (x: number) => x + 1);',
      'step_one',
    ),
    returns: 2,
  },
  'a function of an object': {
    source: registering(
      'const steps = { one(x: number) { return x + 1 }, two() { return "TWO" } };',
      'steps.one',
    ),
    returns: 2,
    absent: ['TWO'],
  },
  'a bound function': {
    source: registering('function f(k: number, x: number) { return k + x }', 'f.bind(null, 1)'),
    returns: 2,
  },
  'a function of another file': {
    source: `import { step_one } from './steps';\n${registering('', 'step_one')}`,
    files: {
      'steps.ts': `const conf = JSON.parse('{"a":1}'); export function step_one(x: number) { return x + 1 } export function step_nine() { return "NINE" + conf }`,
    },
    returns: 2,
    absent: ['NINE', 'conf'],
  },
  'a function of another file, with set-up in the pipeline file': {
    source: `import './first';\nimport { step_one, registry } from './steps';\nimport { late } from './late';\nimport dotenv from 'dotenvx';\nconst loaded = dotenv.config();\nregistry.set('b', 10);\nconsole.log(late, loaded);\n${registering('', 'step_one')}`,
    files: {
      'first.ts': '(globalThis as any).FIRST = 100;',
      'late.ts':
        'import { registry } from "./steps"; registry.set("c", 1000); export const late = 1; export const UNREAD = 2;',
      'steps.ts':
        'const first = (globalThis as any).FIRST; export const registry = new Map<string, number>([["a", 1]]); export const step_one = () => process.env.FROM_DOTENV + [first, ...registry.values()].join()',
      ...dotenv,
    },
    returns: 'y100,1,1000,10',
    absent: ['UNREAD'],
  },
  'a function of a namespace': {
    source: `import * as steps from './steps';\n${registering('', 'steps.one')}`,
    files: { 'steps.ts': `export const one = (x: number) => x + 1; export const nine = () => 'NINE'` },
    returns: 2,
    absent: ['NINE'],
  },
  'a function of a package': {
    source: `import { one } from 'cjspkg';\n${registering('', 'one')}`,
    files: {
      'node_modules/cjspkg/package.json': '{"name":"cjspkg","version":"3.2.1"}',
      'node_modules/cjspkg/index.js': 'exports.one = (x) => x + 1',
    },
    returns: 2,
    dependencies: { cjspkg: '3.2.1' },
  },
  'an alias': {
    source: registering('function real(x: number) { return x + 1 } const step_one = real;', 'step_one'),
    returns: 2,
  },
  'a variable that is assigned again': {
    source: registering(
      'let impl = (x: number) => x; impl = (x) => x + 1; function step_one(x: number) { return impl(x) }',
      'step_one',
    ),
    returns: 2,
  },
  recursion: {
    source: registering(
      'function a(n: number): number { return n ? b(n - 1) : 2 } function b(n: number): number { return a(n) } const step_one = (x: number) => a(x)',
      'step_one',
    ),
    returns: 2,
  },
  'conditions at the top level': {
    source: registering(
      'let v: number; if (process.env.NOPE) { v = 1 } else { v = 2 } try { var w = JSON.parse("0") } catch { w = 5 } const step_one = (x: number) => v + w',
      'step_one',
    ),
    returns: 2,
  },
  'shadowed names': {
    source: registering(
      'const k = 100; const step_one = (x: number) => { const k = 1; { const pipe = 1; return k + pipe } }',
      'step_one',
    ),
    returns: 2,
  },
  'a closure made at the top level': {
    source: registering(
      'const mk = () => { let n = 1; return { inc: () => ++n } }; const c = mk(); const step_one = () => c.inc()',
      'step_one',
    ),
    returns: 2,
  },
  'an export under another name': {
    source: registering('function one() { return 1 + 1 } export { one as step_one };', 'one'),
    returns: 2,
  },
  'an environment variable': {
    source: registering(
      `const MODE = process.env.NO_SUCH_MODE ?? 'x'; const step_one = () => MODE === 'x' ? 2 : 0`,
      'step_one',
    ),
    returns: 2,
  },
  'a class of its own': {
    source: registering(
      'class A { static make() { return new A() } v = 2 } const step_one = () => A.make().v',
      'step_one',
    ),
    returns: 2,
  },
  'a function declared inside main': {
    source: `import { PipelineController } from 'run-pipeline'; const K = 4; async function main() { const pipe = new PipelineController(); const step_one = (x: number) => x + K; pipe.addFunctionStep({ name: 'step_one', function: step_one }); await pipe.start() } await main();`,
    function: (x: number) => x + K,
    returns: 5,
  },
  'a registration in a loop': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); const fns = { one: (x: number) => x + 1, two: () => 'TWO' }; for (const [name, fn] of Object.entries(fns)) pipe.addFunctionStep({ name, function: fn });`,
    call: 'addFunctionStep({ name, ',
    function: (x: number) => x + 1,
    returns: 2,
    absent: ['TWO'],
  },
  'two functions of the same text': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); const fns = [(x: number) => x + 1, (x: number) => x + 1]; for (const fn of fns) pipe.addFunctionStep({ name: 'x', function: fn });`,
    call: "addFunctionStep({ name: 'x'",
    function: [(x: number) => x + 1][0]!,
    errors: ['ambiguous-function'],
  },
  'a function that is nowhere': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); for (const fn of make()) pipe.addFunctionStep({ name: 'x', function: fn }); declare function make(): any[];`,
    call: "addFunctionStep({ name: 'x'",
    function: (x: number) => x * 123,
    errors: ['function-not-found'],
  },
  'a native function': {
    source: `import { PipelineController } from 'run-pipeline'; const pipe = new PipelineController(); for (const fn of [Math.max]) pipe.addFunctionStep({ name: 'x', function: fn });`,
    call: "addFunctionStep({ name: 'x'",
    function: Math.max as never,
    errors: ['function-not-found'],
  },
  'an environment that is read dynamically': {
    source: functions('', 'return Object.keys(process.env).length > 0'),
    warnings: ['dynamic-env'],
    returns: true,
  },
  'an environment that is read dynamically, cached': {
    source: functions('', 'const { [String(df)]: x } = process.env; return x'),
    cached: true,
    errors: ['dynamic-env-in-cached-step'],
  },
  'an impure initialiser that two steps use': {
    source: functions(
      'import { randomUUID } from "node:crypto"; const RUN_ID = randomUUID();',
      'return RUN_ID',
      'return RUN_ID',
    ),
    withSibling: true,
    errors: ['impure-initialiser'],
  },
  'an impure initialiser of one step': {
    source: functions(
      'import { randomUUID } from "node:crypto"; const RUN_ID = randomUUID();',
      'return RUN_ID.length',
    ),
    withSibling: true,
    returns: 36,
  },
  'an impure initialiser behind a function': {
    source: functions(
      'function makeId() { return Math.random() } const RUN_ID = makeId();',
      'return RUN_ID',
      'return RUN_ID',
    ),
    withSibling: true,
    errors: ['impure-initialiser'],
  },
  'state of a helper file that two steps share': {
    source: functions('import { next } from "./state";', 'return next()', 'return next()'),
    files: { 'state.ts': 'let counter = 0; export function next() { return ++counter }' },
    withSibling: true,
    errors: ['shared-module-state'],
  },
  'lazily filled state': {
    source: functions(
      'let cache: Map<string, number> | undefined; function get() { cache ??= new Map([["a", 3]]); return cache }',
      'return get().get("a")',
      'return get().size',
    ),
    withSibling: true,
    returns: 3,
    warnings: ['lazy-state'],
  },
  'a codec': {
    source: functions(
      'import { registerCodec } from "run-pipeline"; class Matrix {} registerCodec({ name: "matrix", is: (v: any) => v instanceof Matrix } as any);',
      'return 1',
    ),
    absent: ['PipelineController'],
  },
  JSX: {
    source: functions(
      'const h = (tag: string, p: any, ...c: any[]) => tag + c.join("");',
      'return <b>x{df}</b>',
    ).replace(/^/, '/** @jsx h */\n'),
    file: 'pipeline.tsx',
    returns: 'bx1',
  },
  'a CommonJS pipeline file': {
    source: `const { PipelineController } = require('run-pipeline');
const path = require('path');
const { helper } = require('./helper.cjs');
const pipe = new PipelineController();
function step_one(df) { return helper(df) + path.sep }
function step_two() { return 2 /*TWO*/ }
pipe.addFunctionStep({ name: 'step_one', function: step_one });
pipe.addFunctionStep({ name: 'step_two', function: step_two });
module.exports = { pipe };
pipe.start();
`,
    file: 'pipeline.cjs',
    files: { 'helper.cjs': 'exports.helper = (x) => "h" + x' },
    returns: 'h1/',
  },
};

const K = 4;

export const classCases: Readonly<Record<string, SlicingCase>> = {
  'pruned members': {
    source: inClass(
      'function helper(x: number) { return x + 1 }\nfunction onlyTwo() { return "ONLY2" }',
      'static scale = 3; static twice = P.scale * 2; #secret = 4; private df: any; other = onlyTwo();\n@Step({ name: "step_one" }) async step_one(x = 1) { return this.util(x) * P.scale + this.#secret + P.twice }\nutil(x: number) { return helper(x) }\nunusedM() { return onlyTwo() }',
    ),
    returns: 16,
    absent: ['ONLY2', 'unusedM'],
  },
  'no this, no constructor': {
    source: inClass(
      '',
      'constructor() { throw new Error("ctor") }\n@Step({ name: "step_one" }) async step_one(x = 1) { return x }',
    ),
    returns: 1,
  },
  'a constructor': {
    source: inClass(
      '',
      'constructor(public n = 5) { this.init() }\ninit() { this.k = 2 } k: any;\n@Step({ name: "step_one" }) step_one(x = 1) { return x + this.n + this.k }',
    ),
    returns: 8,
  },
  'this as a value': {
    source: inClass(
      'function use(o: any) { return o.a() }',
      'a() { return 4 }\n@Step({ name: "step_one" }) step_one(x = 1) { return x + use(this) }',
    ),
    returns: 5,
    warnings: ['this-escapes'],
  },
  'destructured this': {
    source: inClass(
      '',
      'a = 4; b() { return 1 } c = "UNREAD";\n@Step({ name: "step_one" }) step_one(x = 1) { const { a, b } = this; const f = () => this.b(); return x + a + f() }',
    ),
    returns: 6,
    absent: ['UNREAD'],
  },
  'a base class': {
    source: inClass(
      'abstract class Base { abstract hook(): number; run() { return this.hook() + 1 } unread() { return "UNREAD" } }',
      'hook() { return 10 }\n@Step({ name: "step_one" }) step_one(x = 1) { return super.run() + x }',
      'extends Base',
    ),
    returns: 12,
    absent: ['UNREAD'],
  },
  'a base class of another file': {
    source: inClass(
      'import { Base } from "./base";',
      '@Step({ name: "step_one" }) step_one(x = 1) { return this.run() + x }',
      'extends Base',
    ),
    files: {
      'base.ts':
        'import { Step } from "run-pipeline"; const K = 3; const L = "UNREAD"; export class Base { field = K; run() { return this.field } other() { return L } @Step() base_step() { return "TWO" } }',
    },
    returns: 4,
    absent: ['UNREAD'],
  },
  'an overridden step that calls the base step': {
    source: `import { Step } from 'run-pipeline';
class Base { k = 2; @Step({ inputs: [] }) step_one(x = 1) { return x + this.k } @Step() step_two() { return 'TWO' } }
export class P extends Base { override step_one(x = 1) { return super.step_one(x) * 10 } }
`,
    returns: 30,
  },
  'an inherited step': {
    source: `import { Step } from 'run-pipeline';
class Base { k = 2; @Step({ inputs: [] }) step_one(x = 1) { return x + this.k } @Step() step_two() { return 'TWO' } }
export class P extends Base { override k = 5 }
`,
    returns: 6,
  },
  'a base class of a package': {
    source: inClass(
      'import { EventEmitter } from "node:events";',
      'own() { return 3 }\n@Step({ name: "step_one" }) step_one(x = 1) { this.on("a", () => {}); return x + this.listenerCount("a") + this.own() }',
      'extends EventEmitter',
    ),
    returns: 5,
  },
  'a static block': {
    source: inClass(
      '',
      'static m = new Map(); static { P.m.set("a", 3) }\n@Step({ name: "step_one" }) step_one(x = 1) { return x + P.m.get("a") }',
    ),
    returns: 4,
  },
  getters: {
    source: inClass(
      '',
      'a = 1; get twice() { return this.a * 2 } set twice(v) {} get unread() { return "UNREAD" }\n@Step({ name: "step_one" }) step_one(x = 1) { return x + this.twice }',
    ),
    returns: 3,
    absent: ['UNREAD'],
  },
  'a step that calls a step': {
    source: inClass('', '@Step({ name: "step_one" }) step_one(x = 1) { return x + this.step_two() }'),
    errors: ['calls-step'],
  },
  'a step that assigns this': {
    source: inClass(
      '',
      'total = 0;\n@Step({ name: "step_one" }) step_one(x = 1) { this.total = x; return x }',
    ),
    errors: ['assigns-this'],
  },
  'a helper that assigns this': {
    source: inClass(
      '',
      'total = 0; add(x: number) { this.total += x }\n@Step({ name: "step_one" }) step_one(x = 1) { this.add(x); return x }',
    ),
    errors: ['assigns-this'],
  },
  'a step that changes a list of this': {
    source: inClass(
      '',
      'list: number[] = [];\n@Step({ name: "step_one" }) step_one(x = 1) { this.list.push(x); return this.list.length }',
    ),
    warnings: ['mutates-this'],
    returns: 1,
  },
  'decorators of the user': {
    source: inClass(
      'function dbl(fn: any, ctx: any) { return function (this: any, ...a: any[]) { return fn.apply(this, a) * 2 } }\nconst noise = (t: any, c: any) => { }',
      '@Step({ name: "step_one" }) @dbl step_one(x = 1) { return this.h() + x } @noise unused() {}\n@dbl h() { return 5 }',
    ),
    returns: 22,
    absent: ['noise'],
  },
  'legacy decorators of the user': {
    source: inClass(
      'function dbl(target: any, name: string, d: PropertyDescriptor) { const fn = d.value; d.value = function (this: any, ...a: any[]) { return fn.apply(this, a) * 2 } }',
      '@Step({ name: "step_one" }) @dbl step_one(x = 1) { return this.h() + x }\n@dbl h() { return 5 }',
    ),
    files: { 'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true}}' },
    returns: 22,
  },
  'fields that are assigned, not defined': {
    source: inClass(
      'class Base { seen = 0; set v(x: number) { this.seen = x } }',
      'v = 3; empty!: number;\n@Step({ name: "step_one" }) step_one(x = 1) { return x + this.seen + (this.v ?? 0) + ("empty" in this ? 100 : 0) + (this.empty ?? 0) }',
      'extends Base',
    ),
    files: { 'tsconfig.json': '{"compilerOptions":{"target":"es2020"}}' },
    warnings: ['this-escapes'],
    returns: 4,
  },
  'an auto-accessor': {
    source: inClass('', 'accessor b = 2;\n@Step({ name: "step_one" }) step_one(x = 1) { return x + this.b }'),
    returns: 3,
  },
  'a class expression': {
    source: `import { Step } from 'run-pipeline';
export const P = class { k = 2; @Step() step_one(x = 1) { return x + this.k } @Step() step_two() { return 'TWO' } };
`,
    returns: 3,
  },
  'a default export': {
    source: `import { Step } from 'run-pipeline';
export default class P { k = 2; @Step() step_one(x = 1) { return x + this.k } @Step() step_two() { return 'TWO' } };
`,
    returns: 3,
  },
  'the framework through a barrel': {
    source: `import { Step } from './framework';
export class P { k = 2; @Step() step_one(x = 1) { return x + this.k } @Step() step_two() { return 'TWO' } };
`,
    files: { 'framework.ts': `export { Step, Pipeline } from 'run-pipeline';` },
    returns: 3,
  },
  'static state that two steps share': {
    source: inClass(
      '',
      'static n = 0;\n@Step({ name: "step_one" }) step_one(x = 1) { return ++P.n }\n@Step() step_three() { return P.n }',
    ).replace('return 2 /*TWO*/', 'return P.n++'),
    withSibling: true,
    errors: ['shared-module-state'],
  },
};

export const callCases: Readonly<Record<string, SlicingCase>> = {
  'a step()': {
    source: `import { step } from 'run-pipeline';
const k = 4;
export const step_one = step({ returns: ['a'] }, async (x: number) => x + k);
export const step_two = step(async () => 'TWO');
`,
    returns: 5,
  },
  'a step() of a named function': {
    source: `import { step } from 'run-pipeline';
async function load(x: number) { return x + 1 }
export const step_one = step(load);
export const step_two = step(async () => 'TWO');
`,
    returns: 2,
  },
  'a step() that calls a step()': {
    source: `import { step } from 'run-pipeline';
export const step_one = step(async (x: number) => step_two(x));
export const step_two = step(async (x: number) => 'TWO');
`,
    errors: ['calls-step'],
  },
  'a step() that calls the raw function of another': {
    source: `import { step } from 'run-pipeline';
export const step_one = step(async (x: number) => step_two.fn(x));
export const step_two = step({ returns: ['b'] }, async (x: number) => x + 7);
`,
    returns: 8,
    reachesSibling: true,
  },
  'a step() of another file': {
    source: `import { step } from 'run-pipeline';
import { step_two } from './two';
export const step_one = step(async (x: number) => step_two(x));
`,
    files: {
      'two.ts': `import { step } from 'run-pipeline'; export const step_two = step(async (x: number) => 'TWO');`,
    },
    errors: ['calls-step'],
  },
  'a step() made in a function': {
    source: `import { step } from 'run-pipeline';
function make(n: number) { return step(async (x: number) => x + n); }
export const step_one = make(3);
`,
    call: 'step(async',
    errors: ['captures-local'],
  },
};
