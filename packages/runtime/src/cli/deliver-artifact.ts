import { copyFile, cp, lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { isRunPipelineError, RunPipelineError, type StoredArtifact } from '@run-pipeline/core/model';
import { toJson } from '../artifacts/index.js';
import { decodeStored, type FoundArtifact } from '../engine/index.js';
import type { Project } from '../project/project.js';
import { printable } from '../terminal/sanitise.js';
import { formatBytes } from '../terminal/units.js';
import { printJson, printLines, type Context } from './context.js';
import { usageError } from './usage-error.js';

/** Prints an artifact, or writes it where `-o PATH` says. `reference` is what messages call it. */
export async function deliverArtifact(
  context: Context,
  options: { readonly project: Project; readonly found: FoundArtifact; readonly reference: string },
): Promise<void> {
  const directory = await mkdtemp(join(options.project.home, 'tmp', 'get-'));
  try {
    const request = { ...options, directory };
    const out = context.options.text('out');
    if (out === undefined) await print(context, request);
    else await save(context, { ...request, path: resolve(context.cwd, out) });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Request {
  readonly project: Project;
  readonly found: FoundArtifact;
  /** For local copies, removed afterwards. */
  readonly directory: string;
  readonly reference: string;
}

async function print(context: Context, request: Request): Promise<void> {
  const value = await decode(request);
  if (context.json) return printJson(context, toJson(value));
  const type = typeOf(request.found);
  if (type === 'text' && typeof value === 'string') {
    context.out.write(context.out.stream.isTTY ? printable(value) : value);
    return;
  }
  if (type === 'directory')
    throw usageError(`${request.reference} is a directory`, `write it somewhere: -o PATH`);
  const bytes = await rawBytes(request, value);
  if (bytes !== undefined) {
    if (context.out.stream.isTTY) {
      throw usageError(
        `${request.reference} is binary (${type}, ${formatBytes(bytes.byteLength)})`,
        'write it to a file: -o PATH',
      );
    }
    await writeBytes(context, bytes);
    return;
  }
  printLines(context.out, [printable(asText(value))]);
}

async function save(context: Context, request: Request & { readonly path: string }): Promise<void> {
  try {
    await write(context, request);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (isRunPipelineError(error) || !(error instanceof Error) || typeof code !== 'string') throw error;
    throw new RunPipelineError({
      kind: 'store',
      code: 'output-not-written',
      message: `${request.path} cannot be written: ${error.message}`,
      help: code === 'ENOENT' ? 'make its directory first' : 'give another path with -o',
      cause: error,
    });
  }
}

async function write(context: Context, request: Request & { readonly path: string }): Promise<void> {
  const { path } = request;
  const type = typeOf(request.found);
  const value = await decode(request);
  if (type === 'directory') {
    if ((await lstat(path).catch(() => undefined)) !== undefined) {
      throw usageError(
        `${path} exists already; nothing was written`,
        'give the name of a directory that does not exist',
      );
    }
    await cp((value as { readonly path: string }).path, path, { recursive: true, errorOnExist: true });
  } else if (type === 'file') {
    await copyFile((value as { readonly path: string }).path, path);
  } else {
    const bytes = type === 'text' && typeof value === 'string' ? value : await rawBytes(request, value);
    await writeFile(path, bytes ?? `${JSON.stringify(toJson(value), null, 2)}\n`);
  }
  if (context.json) printJson(context, { path, type });
  else printLines(context.err, [`wrote ${path}`]);
}

const typeOf = (found: FoundArtifact): string => (found.kind === 'one' ? found.artifact.record.type : 'list');

function decode(request: Request): Promise<unknown> {
  const { found } = request;
  const one = async (artifact: StoredArtifact | undefined): Promise<unknown> =>
    artifact === undefined ? undefined : decodeStored(request.project, artifact, request.directory);
  if (found.kind === 'one') return one(found.artifact);
  return Promise.all(found.elements.map(one));
}

/** What is bytes by nature; undefined for values. */
async function rawBytes(request: Request, value: unknown): Promise<Uint8Array | undefined> {
  const { found, project } = request;
  if (found.kind !== 'one') return undefined;
  const { record, inline } = found.artifact;
  if (record.type === 'superjson' || record.type === 'text') return undefined;
  if (value instanceof Uint8Array) return value;
  if (inline !== undefined) return inline;
  const read = await project.blobs.read(record.hash);
  if (read.ok) return read.bytes;
  throw new RunPipelineError({
    kind: 'artifact',
    code: `artifact-${read.reason}`,
    message: read.message,
    help: 'run the step that made it again (--refresh=STEP)',
  });
}

/** For people: JSON where the value is that, else as Node shows it. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const json = value === undefined ? undefined : toJson(value);
  return json === value && json !== undefined
    ? JSON.stringify(json, null, 2)
    : inspect(value, { depth: 8, maxArrayLength: 200 });
}

function writeBytes(context: Context, bytes: Uint8Array): Promise<void> {
  return new Promise((done, fail) => {
    context.out.stream.write(bytes, (error) =>
      error === null || error === undefined ? done() : fail(error),
    );
  });
}
