import { RunPipelineError, isRunPipelineError } from '@run-pipeline/core/model';

/** Reads the code of an error of SQLite's or of the operating system; `undefined` for bugs of ours. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = (error as { readonly code?: unknown }).code;
  // Not `unknown-run` of our own errors, not `ERR_INVALID_ARG_TYPE` of Node's.
  if (typeof code === 'string' && /^(SQLITE_\w+|E(?!RR_)[A-Z0-9]+)$/.test(code)) return code;
  // libsql tells a failed open only in text, with SQLite's number at its end.
  const open = /Unable to open connection[^]*: (\d+)"?\)?$/.exec(error.message);
  return open === null ? undefined : (OPEN_CODES[Number(open[1])] ?? 'SQLITE_CANTOPEN');
}
const OPEN_CODES: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

/** Another process holds the lock; worth another try. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^SQLITE_(BUSY|LOCKED)/.test(code);
}

interface Told {
  readonly code: string;
  readonly what: string;
  readonly help: string;
}

function tell(code: string, file: string, message: string): Told | undefined {
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) {
    return {
      code: 'disk-full',
      what: `the disk is full: the store ${file} could not be written, and nothing of this change was recorded`,
      help: 'Free some space (`run-pipeline gc` removes what no run needs).',
    };
  }
  if (/^(SQLITE_READONLY|SQLITE_PERM|SQLITE_AUTH|EACCES|EROFS|EPERM)/.test(code)) {
    return {
      code: 'read-only',
      what: `the store ${file} cannot be written: the file, its directory or the file system is read-only`,
      help: 'Make it writable, or set RUN_PIPELINE_HOME to a directory that is.',
    };
  }
  if (/^(SQLITE_CORRUPT|SQLITE_NOTADB|SQLITE_FORMAT)/.test(code)) {
    return {
      code: 'store-damaged',
      what: `the store ${file} is damaged or no store at all (${message})`,
      help: 'Nothing was changed. Move the file (with its -wal and -shm beside it) away to begin with an empty store, or restore it from a backup.',
    };
  }
  if (/^(SQLITE_CANTOPEN|ENOTDIR|EISDIR|ENOENT|ENAMETOOLONG|ELOOP)/.test(code)) {
    return {
      code: 'store-unreachable',
      what: `the store ${file} cannot be opened (${message})`,
      help: 'Check that the path is right and its directory can be entered and written, or set RUN_PIPELINE_HOME to another directory.',
    };
  }
  if (isBusyCode(code)) {
    return {
      code: 'store-busy',
      what: `the store ${file} was locked by another process for too long`,
      help: 'Look for a process that holds it (a backup, a database browser, a suspended run), end that one and try again.',
    };
  }
  if (/^(SQLITE_IOERR|EIO|EMFILE|ENFILE)/.test(code)) {
    return {
      code: 'store-io',
      what: `reading or writing the store ${file} failed (${code}: ${message})`,
      help: 'Check the disk and the limits of the process.',
    };
  }
  return undefined;
}
const isBusyCode = (code: string): boolean => /^SQLITE_(BUSY|LOCKED)/.test(code);

/** What went wrong outside us as an error a user can act on; bugs pass through unchanged. */
export function storeError(error: unknown, file: string): unknown {
  if (isRunPipelineError(error)) return error;
  const code = sqliteCode(error);
  const told =
    code === undefined ? undefined : tell(code, file, error instanceof Error ? error.message : String(error));
  if (told === undefined) return error;
  return new RunPipelineError({
    kind: 'store',
    code: told.code,
    message: told.what,
    help: told.help,
    cause: error,
  });
}
