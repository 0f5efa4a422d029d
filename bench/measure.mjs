import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
export const BINARY = join(repository, 'packages/runtime/bin/run-pipeline.js');

/** A project in a temporary directory, with this installation linked. */
export function project(files) {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-bench-'));
  const write = (tree) => {
    for (const [name, content] of Object.entries(tree)) writeFileSync(join(directory, name), content);
  };
  write({
    'package.json': '{ "name": "bench", "version": "1.0.0", "type": "module", "private": true }',
    ...files,
  });
  mkdirSync(join(directory, 'node_modules/@run-pipeline'), { recursive: true });
  symlinkSync(join(repository, 'packages/runtime'), join(directory, 'node_modules/run-pipeline'));
  symlinkSync(join(repository, 'packages/core'), join(directory, 'node_modules/@run-pipeline/core'));
  return {
    directory,
    write,
    forget: () => rmSync(join(directory, '.run-pipeline'), { recursive: true, force: true }),
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
    copyTo: (target) => cpSync(directory, target, { recursive: true }),
  };
}

/** Milliseconds of one whole process. A run that fails is a bug of the measurement: it throws. */
export function wholeProcess(command, args, options = {}) {
  const started = process.hrtime.bigint();
  const result = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  if (result.status !== 0)
    throw new Error(
      `${command} ${args.join(' ')} exited with ${result.status}\n${result.stdout}\n${result.stderr}`,
    );
  return ms;
}

export const runPipeline = (args, options) => wholeProcess(process.execPath, [BINARY, ...args], options);

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** The median of `times` measurements; `before` is not measured. */
export async function repeat(times, measure, before = () => {}) {
  const values = [];
  for (let i = 0; i < times; i++) {
    await before(i);
    values.push(await measure(i));
  }
  return median(values);
}
