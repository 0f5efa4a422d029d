import { RunPipelineError } from '@run-pipeline/core/model';
import { findCurrentTask } from '../task/current-task.js';
import { RETRIES, type RetryPolicy } from './remote/retry.js';
import type { LocalCopyOptions } from './storage-manager.js';

/** Options as they are meant, checked at the door. */
export interface ResolvedOptions {
  readonly extractArchive: boolean;
  readonly forceDownload: boolean;
  readonly validate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly stallMs: number;
  readonly retry: RetryPolicy;
  readonly maxExtractedBytes: number | undefined;
  readonly maxExtractedEntries: number;
  readonly signal: AbortSignal;
}

const CHECKS: { readonly [Key in keyof Required<LocalCopyOptions>]: (value: unknown) => string | undefined } =
  {
    extractArchive: flag,
    forceDownload: flag,
    validate: flag,
    headers: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((each) => typeof each === 'string')
        ? undefined
        : 'an object of texts',
    stallTimeout: positive,
    retries: (value) =>
      Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'a whole number from 0 on',
    maxExtractedBytes: positive,
    maxExtractedEntries: positive,
    signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
  };

function flag(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false';
}

function positive(value: unknown): string | undefined {
  return typeof value === 'number' && value > 0 ? undefined : 'a number above 0';
}

const STALL_MS = 60_000;
const ENTRIES = 1_000_000;

export function resolveOptions(operation: string, options: LocalCopyOptions = {}): ResolvedOptions {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof LocalCopyOptions] : undefined;
    const wanted = check === undefined ? undefined : check(value);
    if (check !== undefined && wanted === undefined) continue;
    throw new RunPipelineError({
      kind: 'usage',
      code: 'storage-option',
      message:
        check === undefined
          ? `StorageManager.${operation}: there is no option \`${name}\``
          : `StorageManager.${operation}: the option \`${name}\` must be ${wanted}`,
    });
  }
  return {
    extractArchive: options.extractArchive ?? true,
    forceDownload: options.forceDownload ?? false,
    validate: options.validate ?? true,
    headers: options.headers ?? {},
    stallMs: options.stallTimeout ?? STALL_MS,
    retry: { ...RETRIES, retries: options.retries ?? RETRIES.retries },
    maxExtractedBytes: options.maxExtractedBytes,
    maxExtractedEntries: options.maxExtractedEntries ?? ENTRIES,
    signal: options.signal ?? findCurrentTask()?.signal ?? new AbortController().signal,
  };
}
