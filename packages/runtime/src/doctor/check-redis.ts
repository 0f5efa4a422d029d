import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { findDriver } from '../queue/bull/driver.js';
import { redisAddress, type RedisAddress } from '../queue/bull/redis-address.js';
import {
  clockFinding,
  error,
  failed,
  isLocal,
  ok,
  reasonOf,
  shownMs,
  SLOW_MS,
  warning,
  type Finding,
} from './finding.js';

const PATIENCE_MS = 5_000;
/** What BullMQ 6 asks for. */
const OLDEST = [6, 2] as const;

/** Looks at the Redis of the queue: keys that it makes are gone at its end. */
export async function checkRedis(
  url: string,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): Promise<readonly Finding[]> {
  let client: Redis;
  let address: RedisAddress;
  let refusal: unknown;
  try {
    address = redisAddress(url, options.env);
    const { Redis: Client } = findDriver(options.cwd).redis();
    client = new Client({
      ...address.options,
      lazyConnect: true,
      connectTimeout: PATIENCE_MS,
      commandTimeout: PATIENCE_MS,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectionName: 'run-pipeline:doctor',
    });
    // Why a connection is refused is told here, that it ended by `connect`.
    client.on('error', (thrown) => (refusal ??= thrown));
  } catch (thrown) {
    return [failed('queue', thrown, 'check RUN_PIPELINE_QUEUE')];
  }
  try {
    await client.connect();
    await client.ping();
    // A number of a database that there is not is refused, and the connection is that of database 0.
    if (refusal !== undefined) throw refusal as Error;
  } catch (thrown) {
    client.disconnect();
    return [unreachable(address, refusal ?? thrown)];
  }
  try {
    const info = await infoOf(client);
    return [
      await reachable(client, address),
      version(info),
      encryption(address),
      await clock(client),
      ...(await permissions(client)),
      role(info),
      eviction(info),
      persistence(info),
    ];
  } catch (thrown) {
    return [failed('queue', thrown, 'look into the log of Redis')];
  } finally {
    client.disconnect();
  }
}

function unreachable({ shown }: RedisAddress, thrown: unknown): Finding {
  const reason = reasonOf(thrown);
  const help = /WRONGPASS|NOAUTH|invalid password/i.test(reason)
    ? 'user and password are a part of RUN_PIPELINE_QUEUE, or RUN_PIPELINE_QUEUE_USER and RUN_PIPELINE_QUEUE_PASSWORD'
    : /DB index/i.test(reason)
      ? 'databases of Redis have numbers from 0 to 15, unless its setting databases says otherwise: correct RUN_PIPELINE_QUEUE'
      : /certificate|self.signed|altnames|SSL|TLS/i.test(reason)
        ? 'name the authority that signed its certificate: rediss://…?sslrootcert=/path/ca.pem'
        : 'check that Redis runs, that RUN_PIPELINE_QUEUE names it, and whether it wants TLS (rediss://)';
  return error('queue', `${shown} cannot be used: ${reason}`, help);
}

type Info = ReadonlyMap<string, string>;

/** Empty where the user may not ask. */
async function infoOf(client: Redis): Promise<Info> {
  const text = await client.info().catch(() => '');
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

async function reachable(client: Redis, { shown }: RedisAddress): Promise<Finding> {
  const began = performance.now();
  for (let times = 0; times < 3; times += 1) await client.ping();
  const took = (performance.now() - began) / 3;
  const message = `${shown} answers in ${shownMs(took)}`;
  return took <= SLOW_MS
    ? ok('queue', message)
    : warning('queue', message, 'bring agents and Redis nearer to each other');
}

function version(info: Info): Finding {
  const check = 'queue version';
  const text = info.get('redis_version');
  if (text === undefined)
    return warning(check, 'unknown: the user may not use INFO', 'let it: ACL SETUSER … +info');
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const isEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return isEnough
    ? ok(check, `Redis ${text}`)
    : error(check, `Redis ${text}`, `BullMQ needs Redis ${OLDEST.join('.')} or newer: update it`);
}

function encryption({ options }: RedisAddress): Finding {
  const check = 'queue TLS';
  const host = options.host ?? '';
  if (options.tls !== undefined) return ok(check, 'used');
  return isLocal(host)
    ? ok(check, 'not used, and Redis is on this machine')
    : warning(
        check,
        `the connection to ${host} is not encrypted: user and password go over it as they are`,
        'let Redis listen with TLS, and write rediss:// (with ?sslrootcert=/path/ca.pem for an authority of your own)',
      );
}

async function clock(client: Redis): Promise<Finding> {
  const before = Date.now();
  const [seconds, micros] = (await client.time()) as unknown as readonly [string | number, string | number];
  const theirs = Number(seconds) * 1000 + Number(micros) / 1000;
  return clockFinding('queue clock', theirs - (before + Date.now()) / 2, 'Redis');
}

/** What BullMQ and we send, on keys of our own shape; each that is refused is named. */
async function permissions(client: Redis): Promise<readonly Finding[]> {
  const check = 'queue permissions';
  const key = `{run-pipeline:doctor}:${randomUUID()}`;
  // One a kind of value: what could not be removed is not in the way of the next.
  const [hash, sorted, list, stream, counter] = ['hash', 'sorted', 'list', 'stream', 'counter'].map(
    (kind) => `${key}:${kind}`,
  ) as [string, string, string, string, string];
  const commands: readonly (readonly [string, ...(string | number)[]])[] = [
    ['SET', key, '1', 'PX', 60_000, 'NX'],
    ['GET', key],
    ['DEL', key],
    ['HSET', hash, 'a', '1'],
    ['HGETALL', hash],
    ['ZADD', sorted, 1, 'a'],
    ['BZPOPMIN', sorted, 1],
    ['LPUSH', list, 'a'],
    ['XADD', stream, '*', 'a', '1'],
    ['XTRIM', stream, 'MAXLEN', 0],
    ['EVAL', 'return redis.call("INCR", KEYS[1])', 1, counter],
    ['SCAN', 0, 'COUNT', 1],
    ['CLIENT', 'SETNAME', 'run-pipeline:doctor'],
  ];
  const refused = new Set<string>();
  for (const [name, ...args] of commands) {
    try {
      await client.call(name, ...args);
    } catch (thrown) {
      const reason = reasonOf(thrown);
      if (/^(NOPERM|READONLY|MOVED|OOM)/.test(reason)) refused.add(`${name} (${reason})`);
      else throw thrown;
    }
  }
  await client.del(key, hash, sorted, list, stream, counter).catch(() => 0); // refused above, then
  if (refused.size === 0) return [ok(check, 'every command that is used may be sent')];
  return [
    error(
      check,
      `Redis refuses ${[...refused].slice(0, 3).join(', ')}${refused.size > 3 ? ` and ${refused.size - 3} more` : ''}`,
      'the user needs: ACL SETUSER NAME on >PASSWORD ~{run-pipeline:* &* +@all -@dangerous +info +client',
    ),
  ];
}

function role(info: Info): Finding {
  const check = 'queue role';
  if (info.get('redis_mode') === 'cluster')
    return error(
      check,
      'this is a node of a cluster',
      'name a Redis that is none: the queue of a fleet is small',
    );
  if (info.get('role') === 'slave')
    return error(check, 'this is a replica, which takes no writes', 'name the primary in RUN_PIPELINE_QUEUE');
  return ok(check, 'it takes writes');
}

function eviction(info: Info): Finding {
  const check = 'queue eviction';
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) return warning(check, 'unknown', 'set maxmemory-policy noeviction');
  if (policy === 'noeviction') return ok(check, 'maxmemory-policy noeviction');
  const isBounded = Number(info.get('maxmemory') ?? 0) > 0;
  const message = `maxmemory-policy ${policy}: Redis throws jobs away when its memory is full`;
  const help = 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf';
  return isBounded ? error(check, message, help) : warning(check, message, help);
}

function persistence(info: Info): Finding {
  const check = 'queue persistence';
  const failure = [
    ['aof_last_write_status', 'the append-only file cannot be written'],
    ['rdb_last_bgsave_status', 'the last snapshot failed'],
  ].find(([name]) => (info.get(name!) ?? 'ok') !== 'ok');
  if (failure !== undefined)
    return error(check, failure[1]!, 'look into the log of Redis: its disk may be full');
  if (info.get('aof_enabled') === '1') return ok(check, 'append-only file');
  return warning(
    check,
    'without an append-only file: after a restart what waits reaches agents later, when it is queued again from the store',
    'appendonly yes in redis.conf',
  );
}
