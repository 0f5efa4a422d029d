import { RunPipelineError, isRunPipelineError } from '@run-pipeline/core/model';

/** SQLSTATE of the server, or the code of the operating system; '' for what has none. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

const messageOf = (error: unknown): string => {
  // Several addresses of one name that all refuse.
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
};

/** What the driver itself says, without a code, when the connection is gone. */
const GONE =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|timeout expired)/;
const NO_TLS = 'The server does not support SSL connections';

/**
 * The connection is lost or was not to be had, and another may be: the server restarts (57P0x), refuses
 * for now (53300), changed roles (25006), ended what slept in a transaction (25P03), or has other tables
 * under a prepared statement (0A000).
 */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(08...|57P0[1-5]|53300|25006|25P03|0A000)$/.test(code)) return true;
  if (
    /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EAI_AGAIN|ENOTFOUND|ENOENT)$/.test(
      code,
    )
  )
    return true;
  const message = messageOf(error);
  return code === '' && (GONE.test(message) || message === NO_TLS);
}

/** The server's name is not known: while a run goes on that may pass, but not for who has just typed it. */
export const isUnknownHost = (error: unknown): boolean => codeOf(error) === 'ENOTFOUND';

/** Another transaction was in the way: the same changes may pass at once. */
export const isConflict = (error: unknown): boolean => /^(40001|40P01|55P03)$/.test(codeOf(error));

/** Another transaction made the same row at the same moment: the next try sees it. */
export const isDuplicate = (error: unknown): boolean => codeOf(error) === '23505';

/** There is no such schema, table or column. */
export const isMissing = (error: unknown): boolean => /^(3F000|42P01|42703)$/.test(codeOf(error));

/** An error of the server or of the way to it; anything else is a fault of the caller or of ours. */
export const isServers = (error: unknown): boolean => isLost(error) || /^[0-9A-Z]{5}$/.test(codeOf(error));

interface Told {
  readonly code: string;
  readonly what: string;
  readonly help: string;
}

function tell(error: unknown, shown: string): Told | undefined {
  const code = codeOf(error);
  const message = messageOf(error);
  // The driver's own words for it are about its messages.
  if (code === '' && /^SASL: .*password must be a (?:non-empty )?string/.test(message))
    return {
      code: 'store-refused',
      what: `the server of the store ${shown} wants a password, and there is none`,
      help: 'Set it in the address (RUN_PIPELINE_STORE), in PGPASSWORD, or in ~/.pgpass.',
    };
  if (code === '' && message === NO_TLS)
    return {
      code: 'store-unreachable',
      what: `the server of the store ${shown} speaks no TLS`,
      help: 'Turn it on there (ssl = on, with a certificate), or take sslmode out of RUN_PIPELINE_STORE where nobody is in between.',
    };
  if (code === '' && message.startsWith('SASL: '))
    return {
      code: 'store-refused',
      what: `the server of the store ${shown} and this machine do not agree on how to prove who they are (${message})`,
      help: 'Check that RUN_PIPELINE_STORE names a PostgreSQL server, and its method in pg_hba.conf: scram-sha-256 is what is used.',
    };
  if (code === '28P01' || code.startsWith('28'))
    return {
      code: 'store-refused',
      what: `the server of the store ${shown} does not let us in (${message})`,
      help: 'Check user and password in RUN_PIPELINE_STORE, and what the server demands (pg_hba.conf, sslmode).',
    };
  if (code === '3D000')
    return {
      code: 'store-unreachable',
      what: `the store ${shown} cannot be opened (${message})`,
      help: 'Create the database (`createdb`), or name another one in RUN_PIPELINE_STORE. The tables are made by run-pipeline.',
    };
  if (code === '42501')
    return {
      code: 'read-only',
      what: `the store ${shown} cannot be written (${message})`,
      help: 'Let the user make and use the schema: GRANT CREATE ON DATABASE … TO …, or make the schema with that user as its owner.',
    };
  if (code === '25006')
    return {
      code: 'read-only',
      what: `the store ${shown} cannot be written: the server is a standby, or read-only`,
      help: 'Name the primary server in RUN_PIPELINE_STORE.',
    };
  if (code.startsWith('53') && code !== '53300')
    return {
      code: code === '53100' ? 'disk-full' : 'store-io',
      what: `the server of the store ${shown} has no room (${message}); nothing of this change was recorded`,
      help: 'Make room on the server.',
    };
  if (code === 'EACCES' || isLost(error))
    return {
      code: 'store-unreachable',
      what: `the store ${shown} cannot be reached (${message})`,
      help:
        code === '53300'
          ? 'The server has no connection left: raise its max_connections, or end what holds them.'
          : 'Check that the server runs and that RUN_PIPELINE_STORE names it.',
    };
  if (/^(3F000|42P01|42P07|42703)$/.test(code))
    return {
      code: 'store-damaged',
      what: `the tables of the store ${shown} are not as run-pipeline made them (${message})`,
      help: 'Nothing was changed. Let this user use the schema (GRANT USAGE ON SCHEMA … TO …), restore it from a backup, or name another one: ?schema=name in RUN_PIPELINE_STORE.',
    };
  if (/^(58|XX)/.test(code))
    return {
      code: code === 'XX001' || code === 'XX002' ? 'store-damaged' : 'store-io',
      what: `the server of the store ${shown} failed (${code}: ${message})`,
      help: 'Look into its log.',
    };
  if (/^(08|40|55P03)/.test(code))
    return {
      code: 'store-busy',
      what: `the store ${shown} was in use by others for too long (${message})`,
      help: 'Look for what holds its locks (pg_stat_activity), end that and try again.',
    };
  return undefined;
}

/** What went wrong outside us as an error a user can act on; bugs pass through unchanged. */
export function storeError(error: unknown, shown: string): unknown {
  if (isRunPipelineError(error)) return error;
  const told = tell(error, shown);
  if (told === undefined) return error;
  return new RunPipelineError({
    kind: 'store',
    code: told.code,
    message: told.what,
    help: told.help,
    cause: error,
  });
}
