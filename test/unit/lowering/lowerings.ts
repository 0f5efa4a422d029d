import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import * as define from '@run-pipeline/core/define';

/**
 * The shapes into which compilers lower decorators. A fixture is a script that uses the names of this
 * room and hands its classes to `give`.
 */
export const LOWERINGS = [
  { name: 'esbuild, legacy', compile: (source: string) => esbuild(source, true) },
  { name: 'esbuild, standard', compile: (source: string) => esbuild(source, false) },
  { name: 'tsc, legacy', compile: (source: string) => tsc(source, true) },
  { name: 'tsc, standard', compile: (source: string) => tsc(source, false) },
] as const;

export function evaluate<Given>(code: string): Given {
  let given: unknown;
  const names = Object.keys(define);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- a fixture of this test, compiled on the spot
  const script = new Function(...names, 'give', code) as (...values: unknown[]) => void;
  script(...Object.values(define), (value: unknown) => {
    given = value;
  });
  return given as Given;
}

function esbuild(source: string, experimentalDecorators: boolean): string {
  return transformSync(source, {
    loader: 'ts',
    target: 'node20',
    tsconfigRaw: { compilerOptions: { experimentalDecorators, useDefineForClassFields: true } },
  }).code;
}

function tsc(source: string, experimentalDecorators: boolean): string {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-lowering-'));
  try {
    writeFileSync(join(directory, 'fixture.ts'), source);
    const compiler = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));
    const flags = ['--noCheck', '--target', 'es2022', '--types', '', '--moduleDetection', 'auto'];
    if (experimentalDecorators) flags.push('--experimentalDecorators');
    execFileSync(process.execPath, [compiler, ...flags, 'fixture.ts'], { cwd: directory });
    return readFileSync(join(directory, 'fixture.js'), 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
