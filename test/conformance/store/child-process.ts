import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildEnd } from './harness.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles a script of this directory, so that a plain `node` runs the sources; to where our dependencies are found. */
export async function bundleScript(
  name: string,
): Promise<{ readonly script: string; remove(): Promise<void> }> {
  await mkdir(here('../../../node_modules/.cache'), { recursive: true });
  const directory = await mkdtemp(here('../../../node_modules/.cache/store-child-'));
  const script = join(directory, 'child.mjs');
  await build({
    entryPoints: [here(name)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: {
      '@run-pipeline/core/model': here('../../../packages/core/src/model/index.ts'),
      '@run-pipeline/core/ports': here('../../../packages/core/src/ports/index.ts'),
    },
    external: ['libsql', 'pg'],
    logLevel: 'silent',
  });
  return { script, remove: () => rm(directory, { recursive: true, force: true }) };
}

export function runProcess(
  command: readonly [string, ...(readonly string[])],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ChildEnd> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
