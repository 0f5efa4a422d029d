import { expect, test } from 'vitest';
import { SecretUrl } from './secret-url.js';
import { taskEnvironment, withheldNames, withheldSecrets } from './withheld.js';

const url = (text: string): SecretUrl => new SecretUrl(text);
const FLEET = withheldNames({
  store: { driver: 'postgres', url: url('postgres://h/d') },
  blobs: { driver: 's3', url: url('s3://bucket'), directory: '/d' },
  queue: { driver: 'redis', url: url('redis://h') },
});
const environment = {
  PATH: '/bin',
  HOME: '/root',
  RUN_PIPELINE_STORE: 'postgres://app:p%40ss-store@h/d',
  RUN_PIPELINE_QUEUE: 'redis://:pass-queue@h/0',
  RUN_PIPELINE_BLOBS: 's3://bucket/prefix',
  RUN_PIPELINE_SIGNING_KEY: '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----',
  PGPASSWORD: 'pass-libpq',
  AWS_ACCESS_KEY_ID: 'AKIA-THE-KEY',
  AWS_SECRET_ACCESS_KEY: 'the-secret-of-aws',
  AWS_REGION: 'eu-west-1',
};

test('what is on this machine alone keeps back nothing but the signing key', () => {
  const withheld = withheldNames({
    store: { driver: 'sqlite', file: '/a.db' },
    blobs: { driver: 'directory', directory: '/d', shared: false },
    queue: { driver: 'embedded' },
  });
  const { env } = taskEnvironment({ environment, withheld, declared: [] });
  const { RUN_PIPELINE_SIGNING_KEY: _, ...rest } = environment;
  expect(env).toEqual(rest);
});

test('a task on a fleet gets nothing that opens store, bytes and queue; a setting is marked, not unset', () => {
  expect(taskEnvironment({ environment, withheld: FLEET, declared: [] })).toEqual({
    env: {
      PATH: '/bin',
      HOME: '/root',
      AWS_REGION: 'eu-west-1',
      RUN_PIPELINE_STORE: 'withheld:RUN_PIPELINE_STORE',
      RUN_PIPELINE_QUEUE: 'withheld:RUN_PIPELINE_QUEUE',
      RUN_PIPELINE_BLOBS: 'withheld:RUN_PIPELINE_BLOBS',
    },
    masked: [],
  });
});

test('what a step declares it gets, and what it prints of it is masked', () => {
  const { env, masked } = taskEnvironment({
    environment,
    withheld: FLEET,
    declared: ['AWS_SECRET_ACCESS_KEY', 'RUN_PIPELINE_STORE', 'ANOTHER'],
  });
  expect(env).toMatchObject({
    AWS_SECRET_ACCESS_KEY: environment.AWS_SECRET_ACCESS_KEY,
    RUN_PIPELINE_STORE: environment.RUN_PIPELINE_STORE,
  });
  expect('AWS_ACCESS_KEY_ID' in env).toBe(false);
  expect(masked.toSorted()).toEqual(['p%40ss-store', 'p@ss-store', 'the-secret-of-aws']);
});

test('secrets of the environment are passwords and keys, not places', () => {
  const more = { ...environment, PGPASSFILE: '/etc/pgpass', RUN_PIPELINE_SIGNING_KEY: './keys/signing.pem' };
  expect(withheldSecrets(more, FLEET).toSorted()).toEqual([
    'AKIA-THE-KEY',
    'p%40ss-store',
    'p@ss-store',
    'pass-libpq',
    'pass-queue',
    'pass-queue',
    'the-secret-of-aws',
  ]);
});
