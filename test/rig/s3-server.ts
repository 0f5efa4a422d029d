import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server that speaks S3 (s3rver), in a process of its own. */
export interface TestS3 {
  readonly url: string;
  readonly bucket: string;
  /** What a program needs to use it; `RUN_PIPELINE_BLOBS` is `prefix` of its bucket. */
  env(prefix?: string): Readonly<Record<string, string>>;
  /** The file that holds an object, as it is. */
  file(key: string): string;
  readonly pid: number;
  /** With all that it holds. */
  stop(): Promise<void>;
}

const BUCKET = 'artifacts';
/** The only ones that it knows. */
const KEY = 'S3RVER';

/** Starts one on a free port, with an empty bucket. */
export async function startS3(): Promise<TestS3> {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-s3-'));
  const library = createRequire(import.meta.url).resolve('@20minutes/s3rver');
  const entry = `
    const S3rver = require(${JSON.stringify(library)});
    new S3rver({
      address: '127.0.0.1', port: 0, silent: true, directory: ${JSON.stringify(directory)},
      // It signs the path of a listing without the slash that the SDK sends.
      vhostBuckets: false, allowMismatchedSignatures: true, configureBuckets: [{ name: ${JSON.stringify(BUCKET)} }],
    }).run().then(({ port }) => process.stdout.write(port + '\\n'));
    // It ends with whoever started it.
    process.stdin.on('end', () => process.exit()).resume();
  `;
  const child = spawn(process.execPath, ['--input-type=commonjs', '-e', entry], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the S3 server ended at once, with ${String(code)}`)));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    bucket: BUCKET,
    pid: child.pid!,
    env: (prefix = '') => ({
      RUN_PIPELINE_BLOBS: `s3://${BUCKET}/${prefix}`,
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: KEY,
    }),
    file: (key) => join(directory, BUCKET, `${key}._S3rver_object`),
    async stop() {
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
