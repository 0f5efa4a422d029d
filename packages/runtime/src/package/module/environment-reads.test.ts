import { expect, test } from 'vitest';
import { analyseModule } from './analyse.js';
import { passesEnvironmentOn } from './environment-reads.js';
import type { Module } from './module.js';

const moduleOf = (code: string): Module =>
  analyseModule({ file: '/p/m.js', source: { code, map: undefined } as never, compilerOptions: {} as never });

/** `?`: which variable cannot be told. */
const reads = (code: string): readonly string[] =>
  moduleOf(code).items.flatMap(({ facts }) =>
    facts.flatMap((fact) => (fact.kind === 'env' ? [fact.name ?? '?'] : [])),
  );

test.each([
  ['process.env.A', ['A']],
  ["process?.env?.['A']", ['A']],
  ['globalThis.process.env.A + global.process.env.B', ['A', 'B']],
  ['"A" in process.env', ['A']],
  ['typeof process !== "undefined" && process.env && process.env.A', ['A']],
  ['const { A, B: b = 1, "C": c } = process.env', ['A', 'B', 'C']],
  ['const { env: { A } } = process', ['A']],
  ['const { process: { env: { A } } } = globalThis', ['A']],
  ['(x ?? process).env.A', ['A']],
  ['import p from "node:process"; p.env.A', ['A']],
  ['import * as p from "process"; p.env.A + p.default.env.B', ['A', 'B']],
  ['import { env } from "process"; env.A', ['A']],
  ['import { env as e } from "process"; const { A } = e', ['A']],
  ['(await import("node:process")).env.A', ['A']],
  ['const { env: { A } } = await import("node:process")', ['A']],
  ['process.on("exit", f); process.stdout.write(process.version)', []],
  ['function f(process) { return [1].map(process) }', []],
  ['import { process } from "./steps.js"; [1].map(process)', []],
  ['const registry = globalThis; registry[Symbol.for("x")] ??= 1', []],
])('what is read of the environment: %s', (code, names) => {
  expect(reads(code)).toEqual(names);
});

test.each([
  'process.env[x]',
  'f(process.env)',
  'const P = process; P.env.A',
  'Reflect.get(process, "env").A',
  'process[x].A',
  'function f(p = process) { return p.env.A }',
  'let env; ({ env } = process); env.A',
  'const { version, ...rest } = process',
  'const { process: p } = globalThis',
  'import("node:process").then((p) => p.env.A)',
  'import * as p from "node:process"; f(p)',
  'import p from "process"; const { [x]: y } = p.env',
])('a read that does not tell which variable: %s', (code) => {
  expect(reads(code)).toContain('?');
});

test.each([
  ['export { env } from "node:process"', true],
  ['export * from "process"', true],
  ['import { env } from "process"; export { env as e }', true],
  ['import { env } from "process"; export const a = env.A', false],
  ['export { join } from "node:path"', false],
])('passed on to other modules: %s', (code, passed) => {
  expect(passesEnvironmentOn(moduleOf(code)) !== undefined).toBe(passed);
});
