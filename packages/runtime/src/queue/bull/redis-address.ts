import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { RunPipelineError } from '@run-pipeline/core/model';
import { tlsFiles } from '../../tls-files.js';

export interface RedisAddress {
  readonly options: RedisOptions;
  /** For messages: without user and password. */
  readonly shown: string;
}

/**
 * `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS (`?sslrootcert=FILE` and `sslcert`, `sslkey`).
 * User and password come from the
 * address, else from RUN_PIPELINE_QUEUE_USER and RUN_PIPELINE_QUEUE_PASSWORD.
 */
export function redisAddress(text: string, env: Readonly<Record<string, string | undefined>>): RedisAddress {
  const url = parse(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || 6379);
  const db = Number(url.pathname.slice(1) || 0);
  const username = decodeURIComponent(url.username) || env['RUN_PIPELINE_QUEUE_USER'];
  const password = decodeURIComponent(url.password) || env['RUN_PIPELINE_QUEUE_PASSWORD'];
  return {
    options: {
      host,
      port,
      db,
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      // The host's name is in the certificate; an address of numbers has none to be asked for.
      ...(url.protocol === 'rediss:'
        ? {
            tls: {
              ...(isIP(host) !== 0 ? {} : { servername: host }),
              ...tlsFiles(url.searchParams, 'RUN_PIPELINE_QUEUE'),
            },
          }
        : {}),
    },
    shown: `${url.protocol}//${url.host}${db === 0 ? '' : `/${db}`}`,
  };
}

function parse(text: string): URL {
  try {
    const url = new URL(text);
    const isRedis = url.protocol === 'redis:' || url.protocol === 'rediss:';
    if (isRedis && url.hostname !== '' && /^\/?\d*$/.test(url.pathname)) return url;
  } catch {
    // said below, without repeating what may hold a password
  }
  throw new RunPipelineError({
    kind: 'usage',
    code: 'queue-address',
    message: 'the address of the queue is none of Redis',
    help: 'Write redis://host:6379/0, with TLS rediss://host:6379/0; in a user name or password @ : / ? # and % stand as %40 %3A %2F %3F %23 %25.',
  });
}
