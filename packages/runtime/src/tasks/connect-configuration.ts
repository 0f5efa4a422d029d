import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { RunPipelineError, type EncodedValue, type SourceLocation } from '@run-pipeline/core/model';
import { decodeJsonValue, encodeJsonValue } from '../artifacts/index.js';

interface Place {
  readonly name: string;
  readonly at: SourceLocation | undefined;
}

/** An object of configuration: replaced as a whole, in place, by what was set from outside. */
export function connectObject(
  target: object,
  { name, at, given }: Place & { readonly given: EncodedValue | undefined },
): EncodedValue {
  if (given !== undefined) replace(target, objectOf(given, { name, at, isList: Array.isArray(target) }));
  return encodeJsonValue(target, `configuration ${name}`);
}

/**
 * A file of configuration: its text is recorded. Set from outside, its text is written to a file of its own,
 * whose path the script reads instead.
 */
export function connectFile(
  path: string,
  {
    name,
    at,
    given,
    scratch,
  }: Place & { readonly given: EncodedValue | undefined; readonly scratch: string },
): { readonly recorded: EncodedValue; readonly path: string } {
  if (given === undefined) {
    try {
      const text = readFileSync(resolve(path), 'utf8');
      return { recorded: encodeJsonValue(text, `configuration ${name}`), path };
    } catch (cause) {
      throw new RunPipelineError({
        kind: 'usage',
        code: 'configuration-missing',
        message: `connectConfiguration: the file ${path} cannot be read: ${(cause as Error).message}`,
        at,
        cause,
      });
    }
  }
  const value = decodeJsonValue(given);
  const text = typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`;
  const directory = join(scratch, `configuration-${randomUUID()}`);
  mkdirSync(directory, { recursive: true });
  const copy = join(directory, basename(path));
  writeFileSync(copy, text, { flag: 'wx' });
  return { recorded: given, path: copy };
}

function objectOf(given: EncodedValue, { name, at, isList }: Place & { readonly isList: boolean }): object {
  let value = decodeJsonValue(given);
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value) as unknown;
    } catch (cause) {
      throw wrong(name, at, `was set to a text that is no JSON (${(cause as Error).message})`, isList);
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== isList)
    throw wrong(name, at, `was set to ${Array.isArray(value) ? 'an array' : typeof value}`, isList);
  return value;
}

const wrong = (
  name: string,
  at: SourceLocation | undefined,
  problem: string,
  isList: boolean,
): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'invalid-configuration',
    message: `configuration ${name} ${problem}, and the script connects ${isList ? 'an array' : 'an object'}`,
    at,
  });

function replace(target: object, source: object): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) Reflect.deleteProperty(target, key);
  if (Array.isArray(target)) target.length = (source as readonly unknown[]).length;
  // Not assigned: a key may be `__proto__`.
  for (const [key, value] of Object.entries(source)) {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  }
}
