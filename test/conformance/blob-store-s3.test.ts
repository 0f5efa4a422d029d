import type { Digest } from '@run-pipeline/core/model';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { openS3Blobs } from '../../packages/runtime/src/s3/index.js';
import { S3Server } from '../../packages/runtime/src/s3/s3-server.test-support.js';
import { startS3, type TestS3 } from '../rig/s3-server.js';
import { blobStoreConformance, type BlobStoreUnderTest } from './blob-store.js';

let small: S3Server;
let real: TestS3;
beforeAll(async () => {
  [small, real] = await Promise.all([S3Server.start(), startS3()]);
  for (const [name, value] of Object.entries(real.env())) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([small.stop(), real.stop()]);
});

const keyOf = (hash: Digest): string => `blobs/${hash.slice(7, 9)}/${hash.slice(7)}`;
const setAge = async (path: string, ms: number): Promise<void> => {
  const at = new Date(Date.now() - ms);
  await utimes(path, at, at);
};

/** `one`: all clients share the directory of a machine; `many`: each is on a machine of its own. */
async function clients(
  machines: 'one' | 'many',
  endpoint: string,
  prefix: string,
): Promise<
  Pick<BlobStoreUnderTest, 'open' | 'directory' | 'close'> & { forget(hash: Digest): Promise<void> }
> {
  const parent = await mkdtemp(join(tmpdir(), 's3-blobs-'));
  let opened = 0;
  const directory = join(parent, '0');
  return {
    open: () =>
      openS3Blobs({
        url: `s3://artifacts/${prefix}`,
        directory: machines === 'one' ? directory : join(parent, String(opened++)),
        env: { AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1' },
      }).blobs,
    directory,
    async forget(hash) {
      for (let at = 0; at <= opened; at += 1)
        await rm(join(parent, String(at), hash.slice(7, 9), hash.slice(7)), { force: true });
    },
    close: () => rm(parent, { recursive: true, force: true }),
  };
}

for (const machines of ['one', 'many'] as const) {
  blobStoreConformance(`a bucket, from ${machines} machine(s)`, async () => {
    small.objects.clear();
    small.uploads.clear();
    small.begun.clear();
    small.pageSize = 7;
    const { forget, ...shared } = await clients(machines, small.url, 'some/prefix');
    const object = (hash: Digest): string => `artifacts/some/prefix/${keyOf(hash)}`;
    return {
      ...shared,
      async damage(hash, bytes) {
        small.put(object(hash), Buffer.from(bytes));
        await forget(hash);
      },
      age: async (hash, ms) => small.age(object(hash), ms),
      async abandonWrite(ms) {
        const id = small.beginUpload(`artifacts/some/prefix/blobs/aa/${randomUUID()}`);
        small.begun.get(id)!.at = new Date(Date.now() - ms);
      },
    };
  });
}

blobStoreConformance('a bucket of s3rver', async () => {
  const prefix = randomUUID();
  const { forget, ...shared } = await clients('many', real.url, prefix);
  const object = (hash: Digest): string => real.file(`${prefix}/${keyOf(hash)}`);
  return {
    ...shared,
    async damage(hash, bytes) {
      await writeFile(object(hash), bytes);
      await rm(`${object(hash)}.md5`, { force: true });
      await forget(hash);
    },
    age: (hash, ms) => setAge(object(hash), ms),
    // It cannot list unfinished uploads; what a dead process leaves in the directory of its machine is as ever.
    async abandonWrite(ms) {
      const path = join(shared.directory, 'tmp', `1-${randomUUID()}`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'half');
      await setAge(path, ms);
    },
  };
});
