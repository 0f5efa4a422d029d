import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An authority of a test's own, which nobody else trusts. */
export interface Authority {
  /** Its certificate: whom to trust. */
  readonly file: string;
  /** Of a server of this name (an address counts as one). `owner`: a file or directory whose owner shall be able to read the key. */
  certificate(name: string, owner?: string): { readonly cert: string; readonly key: string };
  remove(): void;
}

export function newAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-ca-'));
  chmodSync(directory, 0o755);
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  );
  let made = 0;
  return {
    file: at('ca.pem'),
    certificate(name, owner) {
      made += 1;
      const [cert, key, request, more] = ['pem', 'key', 'csr', 'ext'].map(
        (end) => `server${made}.${end}`,
      ) as [string, string, string, string];
      openssl('req', ...KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
      const isAddress = /^[\d.]+$/.test(name);
      writeFileSync(at(more), `subjectAltName=${isAddress ? 'IP' : 'DNS'}:${name}\n`);
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', more];
      openssl('x509', '-req', '-in', request, '-out', cert, '-days', '2', ...signed);
      chmodSync(at(key), 0o600);
      if (owner !== undefined) {
        const { uid, gid } = statSync(owner);
        chownSync(at(key), uid, gid);
      }
      return { cert: at(cert), key: at(key) };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
