import { readFileSync } from 'node:fs';
import { RunPipelineError } from '@run-pipeline/core/model';

/** What a driver hands to TLS: PEMs. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * The files that an address names, as libpq calls them: `sslrootcert` (whom to trust instead of the public
 * authorities), `sslcert` and `sslkey` (who we are). The same names hold for Postgres and for Redis.
 *
 * @param setting For messages: `RUN_PIPELINE_STORE`.
 * @throws RunPipelineError of kind `usage`, code `tls-file`, when one cannot be read.
 */
export function tlsFiles(address: URLSearchParams, setting: string): TlsFiles {
  const [ca, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) => {
    const path = address.get(name);
    // libpq's word for the authorities that the system trusts.
    return path === null || path === '' || path === 'system'
      ? undefined
      : readPem(path, `${name} of ${setting}`);
  });
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** @param what For messages: `sslrootcert of RUN_PIPELINE_STORE`, `AWS_CA_BUNDLE`. */
export function readPem(path: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrongFile(
      `${what} is ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
  if (/-----BEGIN [A-Z ]+-----/.test(text)) return text;
  throw wrongFile(`${what} is ${path}, which is no PEM file`);
}

const wrongFile = (message: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'tls-file',
    message,
    help: 'give the whole path of a file with -----BEGIN CERTIFICATE----- (or a key) in it',
  });
