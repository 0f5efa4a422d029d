import type { ConnectionOptions } from 'node:tls';
import { tlsFiles } from '../../tls-files.js';

/** What of an address concerns TLS: ours to read, so that the words mean what they mean to libpq. */
export const TLS_WORDS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

/**
 * `disable`: none. `require`: encrypted, and whoever answers is believed (with `sslrootcert`: as `verify-ca`).
 * `verify-ca`: his certificate is by an authority that we trust. `verify-full`: and it is for this host.
 * A file without a mode asks for the whole. Undefined: the address says nothing, the driver's own rules hold
 * (PGSSLMODE, else no TLS).
 */
export function postgresTls({ searchParams }: URL): ConnectionOptions | false | undefined {
  const files = tlsFiles(searchParams, 'RUN_PIPELINE_STORE');
  const mode = searchParams.get('sslmode') ?? (Object.keys(files).length > 0 ? 'verify-full' : undefined);
  switch (mode) {
    case undefined:
      return undefined;
    case 'disable':
      return false;
    case 'require':
      return files.ca === undefined ? { ...files, rejectUnauthorized: false } : anyHost(files);
    case 'verify-ca':
      return anyHost(files);
    default:
      return { ...files };
  }
}

const anyHost = (files: ReturnType<typeof tlsFiles>): ConnectionOptions => ({
  ...files,
  checkServerIdentity: () => undefined,
});
