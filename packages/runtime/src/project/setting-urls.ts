import { isAbsolute } from 'node:path';
import { didYouMean } from '@run-pipeline/core/model';
import type { SettingValue } from './config.js';
import { wrongSetting } from './wrong-setting.js';

const POSTGRES = 'postgres://user@host:5432/database';
const REDIS = 'redis://host:6379/0';
const S3 = 's3://bucket/prefix';

/** Host (or the directory of a socket) and database; the rest is libpq's vocabulary, which the driver reads. */
export function checkPostgresUrl(value: SettingValue): void {
  const url = parse(value, POSTGRES);
  if (url.hostname === '' && !url.searchParams.has('host'))
    throw wrong(value, 'names no host', `write ${POSTGRES}`);
  const database = decodedPath(value, url, POSTGRES);
  if (database === '' || database.includes('/'))
    throw wrong(
      value,
      database === '' ? 'names no database' : 'names no database, but a path',
      `write ${POSTGRES}`,
    );
  checkTlsWords(value, url, ['sslmode', ...TLS_FILES]);
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode))
    throw wrong(
      value,
      `has sslmode=${mode}${didYouMean(mode, SSL_MODES)}`,
      'it is disable, require (encrypted), verify-ca, or verify-full (and the host is the one that was meant); ' +
        'allow and prefer protect from nobody',
    );
  if (Buffer.byteLength(database) > LONGEST_DATABASE)
    throw wrong(value, `names a database of more than ${LONGEST_DATABASE} bytes`, 'PostgreSQL has none');
  refuseControl(value, database);
}

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];
const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey'];

/** A mistyped word would leave the connection unprotected in silence. */
function checkTlsWords(value: SettingValue, url: URL, words: readonly string[]): void {
  for (const name of url.searchParams.keys()) {
    if (words.includes(name) || !(/^(ssl|tls)/i.test(name) || didYouMean(name, words) !== '')) continue;
    throw wrong(
      value,
      `has ?${name}=, which is nothing${didYouMean(name, words)}`,
      `for TLS it takes ${words.join(', ')}`,
    );
  }
  for (const name of TLS_FILES) {
    const path = url.searchParams.get(name);
    if (path !== null && path !== 'system' && !isAbsolute(path))
      throw wrong(
        value,
        `has ${name}=${path}, which is no whole path`,
        'processes of a run have other directories',
      );
  }
}

/** Of NAMEDATALEN - 1. */
const LONGEST_DATABASE = 63;

export function checkRedisUrl(value: SettingValue): void {
  const url = parse(value, REDIS);
  if (url.hostname === '') throw wrong(value, 'names no host', `write ${REDIS}`);
  checkTlsWords(value, url, TLS_FILES);
  if (url.protocol === 'redis:' && TLS_FILES.some((name) => url.searchParams.has(name)))
    throw wrong(value, 'names files for TLS and does not use it', 'write rediss://');
  const database = decodedPath(value, url, REDIS);
  if (!/^\d{0,5}$/.test(database))
    throw wrong(value, 'names no database', `databases of Redis have numbers: write ${REDIS}`);
}

/** Names as S3 allows them: what a server would refuse on the first write is refused before anything runs. */
export function checkS3Url(value: SettingValue): void {
  const [, authority = '', path = ''] = /^s3:\/\/([^/?#]*)(?:\/([^?#]*))?/is.exec(value.text) ?? [];
  if (authority.includes('@'))
    throw wrong(
      value,
      'holds credentials',
      'credentials of S3 are not a part of the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role of AWS',
    );
  if (!BUCKET.test(authority) || authority.includes('..') || IP_ADDRESS.test(authority))
    throw wrong(
      value,
      authority === '' ? 'names no bucket' : `names "${authority}", which cannot be a bucket`,
      `write ${S3}; a bucket has 3 to 63 small letters, digits, dots and hyphens`,
    );
  const prefix = path.replace(/\/$/, '');
  const parts = prefix === '' ? [] : prefix.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw wrong(value, 'has a prefix with an empty part, "." or ".."', `write ${S3}`);
  refuseControl(value, prefix);
}

const BUCKET = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/;
const IP_ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

function parse(value: SettingValue, shape: string): URL {
  const url = urlOf(value.text);
  const help = `write ${shape}; in a user name or password @ : / ? # and % stand as %40 %3A %2F %3F %23 %25`;
  if (url === undefined) throw wrong(value, 'is not an address', help);
  // The rest of a password that was not encoded: as a host it would be asked for, and be told in a message.
  if (/[@#]/.test(url.pathname + url.search + url.hash))
    throw wrong(value, 'has an @ or # behind its host', help);
  for (const part of [url.username, url.password]) {
    const text = decodedOf(part);
    if (text === undefined) throw wrong(value, 'holds a % that encodes nothing', help);
    if (UNSEEN.test(text))
      throw wrong(value, 'has a user or password with characters that cannot be seen', help);
  }
  return url;
}

function urlOf(text: string): URL | undefined {
  // `postgres:host` parses, and has no host.
  if (!/^[a-z\d+.-]+:\/\//i.test(text)) return undefined;
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function decodedOf(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function decodedPath(value: SettingValue, url: URL, shape: string): string {
  const path = decodedOf(url.pathname.replace(/^\//, ''));
  if (path !== undefined) return path;
  throw wrong(value, 'holds a % that encodes nothing', `write ${shape}; a % itself is %25`);
}

function refuseControl(value: SettingValue, text: string): void {
  if (UNSEEN.test(text)) throw wrong(value, 'holds characters that cannot be seen', 'take them out');
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const wrong = (value: SettingValue, problem: string, help: string): Error =>
  wrongSetting(value, { problem, help });
