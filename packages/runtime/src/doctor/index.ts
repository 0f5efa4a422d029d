/** Whether what a fleet consists of is there and set up as it has to be: for `run-pipeline doctor`. */
import type { ProjectSettings } from '../project/index.js';
import { ok, warning, type Finding } from './finding.js';

export type { Finding } from './finding.js';

export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Store, blobs and queue that are not on this machine, each looked at by itself, at once. */
export async function checkServices(settings: ProjectSettings, place: Place): Promise<readonly Finding[]> {
  const { store, blobs, queue } = settings;
  const findings = await Promise.all([
    store.driver === 'postgres'
      ? import('./check-postgres.js').then(({ checkPostgres }) =>
          checkPostgres(store.url.reveal(), place.cwd),
        )
      : [],
    blobs.driver === 's3'
      ? import('./check-s3.js').then(({ checkS3 }) => checkS3(blobs.url.reveal(), place))
      : [],
    queue.driver === 'redis'
      ? import('./check-redis.js').then(({ checkRedis }) => checkRedis(queue.url.reveal(), place))
      : [],
  ]);
  return [...findings.flat(), ...combination(settings)];
}

function combination({ store, blobs, queue }: ProjectSettings): readonly Finding[] {
  if (store.driver === 'sqlite') return [];
  if (blobs.driver === 'directory' && !blobs.shared)
    return [
      warning(
        'fleet',
        `the store is for all machines, and artifacts are in ${blobs.directory}, which is this one's own`,
        'set RUN_PIPELINE_BLOBS=s3://bucket/prefix, or a directory that all machines have mounted, by its whole path',
      ),
    ];
  return [ok('fleet', queue.driver === 'redis' ? 'steps wait for agents' : 'agents read the store itself')];
}
