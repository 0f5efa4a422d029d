import { types, inspect } from 'node:util';
import { formatLocation, isRunPipelineError, type ErrorRecord } from '@run-pipeline/core/model';
import { codeFrame } from '../source/code-frame.js';
import { userStack } from '../source/user-stack.js';
import type { PackageMap } from './package-map.js';

const LONGEST_MESSAGE = 16 * 1024;
const LONGEST_STACK = 32 * 1024;
const DEEPEST_CAUSE = 8;
const SHOWN_ERRORS = 10;

export interface ErrorContext {
  readonly map: PackageMap;
  /** The invoking directory: places are relative to it. */
  readonly cwd: string;
}

/**
 * What was thrown, as data. Nothing that a step throws makes this throw: getters that fail, proxies,
 * circular causes and endless messages included.
 */
export function errorRecord(thrown: unknown, context: ErrorContext): ErrorRecord {
  return record(thrown, context, new Set());
}

function record(thrown: unknown, context: ErrorContext, seen: Set<unknown>): ErrorRecord {
  if (!isError(thrown)) {
    return {
      name: 'NotAnError',
      code: 'not-an-error',
      message: cut(`the step threw ${describeValue(thrown)}, which is not an Error`, LONGEST_MESSAGE),
    };
  }
  seen.add(thrown);
  const place = placeOf(thrown, context);
  const cause = causeOf(thrown, context, seen);
  const code = attempt(() => (isRunPipelineError(thrown) ? thrown.code : undefined));
  const trace = text(attempt(() => thrown.stack));
  return {
    name: cut(text(attempt(() => thrown.name)) || 'Error', 200),
    message: cut(messageOf(thrown), LONGEST_MESSAGE),
    ...(typeof code === 'string' && { code }),
    ...place,
    ...(trace !== '' && { trace: cut(trace, LONGEST_STACK) }),
    ...(cause !== undefined && { cause }),
  };
}

function isError(thrown: unknown): thrown is Error {
  // `instanceof` alone misses errors of another realm, `isNativeError` those made by prototype.
  return types.isNativeError(thrown) || attempt(() => thrown instanceof Error) === true;
}

function messageOf(error: Error): string {
  const message = text(attempt(() => error.message));
  const help = text(attempt(() => (isRunPipelineError(error) ? error.help : undefined)));
  const lines = [message];
  if (help !== '') lines.push(help);
  for (const item of innerErrors(error)) lines.push(`- ${headline(item)}`);
  return lines.join('\n');
}

/** The errors of an AggregateError, first ones only. */
function innerErrors(error: Error): readonly unknown[] {
  const errors = attempt(() => (error as { errors?: unknown }).errors);
  return types.isNativeError(error) && Array.isArray(errors)
    ? (attempt(() => errors.slice(0, SHOWN_ERRORS)) ?? [])
    : [];
}

function headline(value: unknown): string {
  if (!isError(value)) return describeValue(value);
  return cut(`${text(attempt(() => value.name))}: ${text(attempt(() => value.message))}`, 500);
}

function causeOf(error: Error, context: ErrorContext, seen: Set<unknown>): ErrorRecord | undefined {
  const cause = attempt(() => error.cause) ?? innerErrors(error).find(isError);
  if (cause === undefined || cause === null || seen.has(cause) || seen.size >= DEEPEST_CAUSE)
    return undefined;
  return record(cause, context, seen);
}

/** Where in the user's own source it happened. */
function placeOf(error: Error, { map, cwd }: ErrorContext): Pick<ErrorRecord, 'at' | 'frame' | 'stack'> {
  return (
    attempt(() => {
      const stack = userStack(error, { map: map.toSource, from: cwd });
      if (stack.at === undefined) return {};
      const source = map.sourceText(stack.at.file);
      const frame = codeFrame(stack.at, source === undefined ? {} : { source });
      return {
        at: formatLocation(stack.at, cwd),
        ...(frame !== undefined && { frame }),
        stack: cut(stack.text, LONGEST_STACK),
      };
    }) ?? {}
  );
}

function describeValue(value: unknown): string {
  const kind =
    value === null || value === undefined
      ? ''
      : typeof value === 'object'
        ? 'an object: '
        : `a ${typeof value}: `;
  const shown = attempt(() =>
    inspect(value, { depth: 2, maxStringLength: 500, maxArrayLength: 20, breakLength: Infinity }),
  );
  return kind + (shown ?? 'one that cannot be shown');
}

/** What a hostile object gives, or undefined. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : (attempt(() => String(value)) ?? '');
}

function cut(value: string, length: number): string {
  return value.length <= length
    ? value
    : `${value.slice(0, length)}… (${value.length - length} more characters)`;
}
