import { isAbsolute, join, resolve } from 'node:path';
import type { ConfigValues, SettingName, SettingValue } from './config.js';
import type { ProjectPaths } from './project.js';
import { SecretUrl } from './secret-url.js';
import { WITHHELD } from './withheld.js';
import { checkPostgresUrl, checkRedisUrl, checkS3Url } from './setting-urls.js';
import { wrongSetting } from './wrong-setting.js';

/**
 * Where state, bytes and the queue of a project are: checked at the door, so that behind it a driver only
 * has to open what it is told. Drivers are chosen by the scheme of an address.
 */
export interface ProjectSettings {
  readonly store: StoreSetting;
  readonly blobs: BlobsSetting;
  readonly queue: QueueSetting;
  readonly concurrency: number | undefined;
}
export type StoreSetting =
  | { readonly driver: 'sqlite'; readonly file: string }
  | { readonly driver: 'postgres'; readonly url: SecretUrl };
export type BlobsSetting =
  | {
      readonly driver: 'directory';
      readonly directory: string;
      /** By the machines of a store on Postgres: then packages are exchanged there too. */
      readonly shared: boolean;
    }
  /** `directory`: of this machine, where the bytes that it needs are kept as well. */
  | { readonly driver: 's3'; readonly url: SecretUrl; readonly directory: string };
export type QueueSetting =
  { readonly driver: 'embedded' } | { readonly driver: 'redis'; readonly url: SecretUrl };

/** @throws RunPipelineError of kind `usage`, code `setting`, that names the setting and where it was set. */
export function checkSettings(paths: ProjectPaths, values: ConfigValues): ProjectSettings {
  const store = storeSetting(paths, values.store);
  const blobs = blobsSetting(paths, values.blobs, store);
  const queue = queueSetting(values.queue);
  checkCombination({ store, queue, values });
  return { store, blobs, queue, concurrency: values.concurrency };
}

function storeSetting(paths: ProjectPaths, value: SettingValue | undefined): StoreSetting {
  if (value === undefined) return { driver: 'sqlite', file: join(paths.home, 'state.db') };
  switch (schemeOf(value)) {
    case undefined:
      refuseHiddenAddress(value, SHAPES.store);
      return { driver: 'sqlite', file: resolve(paths.root, value.text) };
    case 'postgres':
    case 'postgresql':
      checkPostgresUrl(value);
      return { driver: 'postgres', url: new SecretUrl(value.text) };
    default:
      throw noDriver(value, 'a path (SQLite), or postgres://user@host/database');
  }
}

function blobsSetting(
  paths: ProjectPaths,
  value: SettingValue | undefined,
  store: StoreSetting,
): BlobsSetting {
  const directory = join(paths.home, 'blobs');
  if (value === undefined) return { driver: 'directory', directory, shared: false };
  switch (schemeOf(value)) {
    case undefined:
      refuseHiddenAddress(value, SHAPES.blobs);
      return {
        driver: 'directory',
        directory: resolve(paths.root, value.text),
        shared: store.driver === 'postgres' && isAbsolute(value.text),
      };
    case 's3':
      checkS3Url(value);
      // Not the directory of a project that has no bucket: what is there is not a copy of anything.
      return { driver: 's3', url: new SecretUrl(value.text), directory: join(paths.home, 'cache', 'blobs') };
    default:
      throw noDriver(
        value,
        's3://bucket/prefix, or the path of a directory. The address of an S3 server that is not AWS goes ' +
          'into AWS_ENDPOINT_URL_S3',
      );
  }
}

function queueSetting(value: SettingValue | undefined): QueueSetting {
  if (value === undefined) return { driver: 'embedded' };
  switch (schemeOf(value)) {
    case 'redis':
    case 'rediss':
      checkRedisUrl(value);
      return { driver: 'redis', url: new SecretUrl(value.text) };
    default:
      refuseHiddenAddress(value, SHAPES.queue);
      throw noDriver(
        value,
        'redis://host:6379/0, or rediss:// with TLS; unset, agents read the store itself',
      );
  }
}

/**
 * Agents of a queue on Redis are on other machines: what they need has to be where they can reach it. A
 * directory counts as shared by all of them when it is stated by its whole path.
 */
function checkCombination(options: {
  readonly store: StoreSetting;
  readonly queue: QueueSetting;
  readonly values: ConfigValues;
}): void {
  const { store, queue, values } = options;
  if (queue.driver === 'embedded') return;
  if (store.driver === 'sqlite')
    throw wrongSetting(values.queue!, {
      problem: `is a queue for agents on other machines, and they cannot read the store, which is the SQLite file ${store.file}`,
      help: `set RUN_PIPELINE_STORE=${SHAPES.store} too; or unset ${nameOf('queue')}: agents of this machine need no Redis`,
    });
  const { blobs } = values;
  if (blobs !== undefined && (schemeOf(blobs) === 's3' || isAbsolute(blobs.text))) return;
  throw wrongSetting(values.queue!, {
    problem:
      'is a queue for agents on other machines, and they cannot read the artifacts, which are in ' +
      (blobs === undefined ? 'a directory of this one' : `the directory ${blobs.text} of this project`),
    help: `set RUN_PIPELINE_BLOBS=${SHAPES.blobs} too; or to the whole path of a directory that every machine has mounted in the same place`,
  });
}

const nameOf = (setting: SettingName): string => `RUN_PIPELINE_${setting.toUpperCase()}`;
const SHAPES = {
  store: 'postgres://user@host/database',
  blobs: 's3://bucket/prefix',
  queue: 'redis://host:6379/0',
};

/** An address in quotes (a file of variables keeps them) or behind a blank would be a path, and told as one. */
function refuseHiddenAddress(value: SettingValue, shape: string): void {
  if (schemeOf(value) !== undefined || !value.text.includes('://')) return;
  throw wrongSetting(value, {
    problem: 'is neither a path nor an address: there is something before its scheme',
    help: `write ${shape} without quotes or blanks around it`,
  });
}

/** A drive letter is no scheme. */
const schemeOf = ({ text }: SettingValue): string | undefined =>
  /^([a-z][a-z\d+.-]+):/i.exec(text)?.[1]?.toLowerCase();

/** A setting that cannot be honoured is an error: runs must not silently go elsewhere than was asked. */
function noDriver(value: SettingValue, shapes: string): Error {
  const scheme = schemeOf(value);
  if (scheme === WITHHELD)
    return wrongSetting(value, {
      problem: 'is not passed on to tasks, nor to programs that they start',
      help: `a step that has to open it itself declares it: secrets: ['${nameOf(value.name)}']`,
      code: 'setting-withheld',
    });
  return wrongSetting(value, {
    problem: `has no driver for ${scheme === undefined ? 'a path' : `${scheme}:`}`,
    help: `it takes ${shapes}`,
    code: 'no-driver',
  });
}
