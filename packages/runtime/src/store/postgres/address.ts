import type { ConnectionOptions } from 'node:tls';
import { maskUrl, RunPipelineError } from '@run-pipeline/core/model';
import { postgresTls, TLS_WORDS } from './tls.js';

/** Where a Postgres store is: what the driver connects to, the schema of its tables, and how it is shown. */
export interface PostgresAddress {
  /** With the password; without our own parameter. */
  readonly url: string;
  readonly schema: string;
  /** Undefined: as the driver finds it. */
  readonly tls: ConnectionOptions | false | undefined;
  /** Without the password: for messages. */
  readonly shown: string;
}

const DEFAULT_SCHEMA = 'run_pipeline';

/** `schema` of the query is ours: several stores may share a database. The rest is the driver's. */
export function readAddress(setting: string): PostgresAddress {
  let url: URL;
  try {
    url = new URL(setting);
  } catch {
    throw badAddress('it is not a URL');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw badAddress('it does not begin with postgres://');
  const schema = url.searchParams.get('schema') ?? DEFAULT_SCHEMA;
  // Ours to quote, and a part of the channel's name, which has 63 bytes.
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema))
    throw badAddress(
      `the schema ${JSON.stringify(schema)} is no name of at most 40 small letters, digits and _`,
    );
  if (schema.startsWith('pg_') || schema === 'information_schema' || schema === 'public')
    throw badAddress(`the schema ${schema} is not run-pipeline's own`);
  const tls = postgresTls(url);
  for (const name of ['schema', ...TLS_WORDS]) url.searchParams.delete(name);
  return { url: url.href, schema, tls, shown: maskUrl(setting) };
}

/** The setting itself is not shown: it may hold a password in a place where we do not find it. */
function badAddress(why: string): RunPipelineError {
  return new RunPipelineError({
    kind: 'usage',
    code: 'store-address',
    message: `the address of the Postgres store cannot be used: ${why}`,
    help: 'Give it as postgres://user:password@host:5432/database, with characters such as @ and / in the password escaped (%40, %2F); ?schema=name where several stores share a database.',
  });
}
