import { ensurePackage, requireSignature } from '../../package/index.js';
import type { SourceBundle } from '../../discover/discovery.js';
import type {
  Digest,
  EncodedValue,
  ParameterType,
  PipelineDefinition,
  RunId,
  StoredArtifact,
  TaskPackage,
} from '@run-pipeline/core/model';
import { digest, isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import { deserialize, serialize } from 'node:v8';
import type { Project } from '../../project/project.js';
import type { StoredSignature } from './controller-signature.js';
import { controllerCode, jsonValue, requireUndamaged, type SharedValue } from './controller-code.js';
import { madeEarlier } from './packages.js';
import type { Parameters, ParameterValue } from './parameters.js';
import type { CarriedFile } from './run-files.js';
import type { Template, Templates } from './templates.js';
import { decodeStored, encodeLiteral } from '../step/values.js';

/**
 * What a run keeps so that another process can continue it from the same code and values: how it was
 * launched, its packages, and its controller (the user's file as it was evaluated, callbacks included).
 * The two large parts are values of the store, by hash: runs of an unchanged file share them.
 */
export interface Launch {
  readonly version: 1;
  readonly kind: PipelineDefinition['kind'];
  /** How to pick the pipeline among the file's candidates. */
  readonly exportName: string | undefined;
  readonly pipeline: string;
  readonly project: string;
  readonly parameters: readonly (readonly [string, LaunchValue])[];
  /** Of a run that was left to agents: the content of its files as it was then. */
  readonly files?: readonly CarriedFile[] | undefined;
  readonly cwd: string;
  /** The user's file; undefined when a program started the run. */
  readonly file: string | undefined;
  /** The commit of the project that it was started from. */
  readonly git?: { readonly commit: string; readonly branch?: string } | undefined;
  /** Its arguments, as it saw them. */
  readonly argv?: readonly string[] | undefined;
  /** What the pipeline declared: for clones, whose parameters can be edited. */
  readonly declared?: DeclaredPipeline;
  readonly options: {
    readonly refresh: 'none' | 'all' | readonly string[];
    readonly cache: boolean;
    readonly from: string | undefined;
    readonly to: string | undefined;
    readonly only: string | undefined;
    readonly queue: string | undefined;
    readonly local: boolean;
    readonly priority?: number;
    /** As it was asked for; undefined: as the pipeline or the project says. */
    readonly concurrency?: number | undefined;
  };
}
/** Of a definition, what can be kept and is not in its code. */
export interface DeclaredPipeline {
  /** Undefined: every run gets the latest + 1. */
  readonly version: string | undefined;
  readonly parameters: readonly DeclaredParameter[];
}

/** What a declared parameter takes. */
export interface DeclaredParameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required: boolean;
  readonly description: string | undefined;
  /** A schema is code: it says whether a value fits when the pipeline starts. */
  readonly schema: boolean;
  /** Undefined: there is none, or JSON cannot keep it, or it is long. */
  readonly default: EncodedValue | undefined;
}

export type LaunchValue =
  | { readonly kind: 'file'; readonly path: string; readonly directory: boolean }
  | { readonly kind: 'undefined' }
  | { readonly kind: 'value'; readonly artifact: StoredArtifact };

interface StoredLaunch extends Launch {
  readonly signatures?: readonly StoredSignature[];
  readonly packages: Digest;
  /** Absent: no step is from a task. */
  readonly templates?: Digest;
  readonly controller: Digest | undefined;
}

export interface LaunchRecord extends Launch {
  /** Package key to hash. */
  readonly packages: ReadonlyMap<string, string>;
  readonly templates: Templates;
  readonly bundle: SourceBundle | undefined;
  /** Of the bundle; absent: nobody has signed it. */
  readonly signatures?: readonly StoredSignature[];
}

/** The document of a run, and the values that must be committed with its first event. */
export function launchDocument({ packages, templates, bundle, ...launch }: LaunchRecord): {
  readonly document: Uint8Array;
  readonly values: readonly SharedValue[];
} {
  const packed = jsonValue([...packages]);
  const controller = bundle === undefined ? undefined : controllerCode(bundle);
  const bases = templates.size === 0 ? undefined : jsonValue([...templates]);
  const stored: StoredLaunch = {
    ...launch,
    packages: packed.hash,
    ...(bases === undefined ? {} : { templates: bases.hash }),
    controller: controller?.hash,
  };
  return {
    document: serialize(stored),
    values: [packed, bases, controller].filter((value) => value !== undefined),
  };
}

export const LAUNCH_DOCUMENT = 'launch';

export async function readLaunch(project: Project, run: RunId): Promise<LaunchRecord> {
  const document = await project.store.readRunDocument(run, LAUNCH_DOCUMENT);
  if (document === undefined) throw nothingKept(run);
  const { packages, templates, controller, ...launch } = storedLaunch(document, run);
  const read = async (hash: Digest): Promise<unknown> => {
    const bytes = await project.store.readValue(hash);
    if (bytes === undefined) throw nothingKept(run);
    requireUndamaged(bytes, hash, `what run ${run} was launched with`);
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  };
  return {
    ...launch,
    packages: new Map((await read(packages)) as [string, string][]),
    templates: new Map(templates === undefined ? [] : ((await read(templates)) as [string, Template][])),
    bundle: controller === undefined ? undefined : ((await read(controller)) as SourceBundle),
  };
}

function storedLaunch(document: Uint8Array, run: RunId): StoredLaunch {
  let launch: unknown;
  try {
    launch = deserialize(document);
  } catch {
    // Told below.
  }
  if (typeof launch === 'object' && launch !== null && 'packages' in launch) return launch as StoredLaunch;
  throw new RunPipelineError({
    kind: 'store',
    code: 'launch-damaged',
    message: `what run ${run} was launched with is damaged in the store`,
    help: 'Start the pipeline again from its file.',
  });
}

const nothingKept = (run: RunId): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code: 'not-resumable',
    message: `run ${run} left nothing to resume from: it ended before its first step`,
    help: 'Start it again with run-pipeline rerun.',
  });

export async function encodeParameters(
  project: Project,
  parameters: Parameters,
): Promise<Launch['parameters']> {
  return Promise.all(
    [...parameters].map(async ([name, { value, file }]): Promise<readonly [string, LaunchValue]> => {
      if (file !== undefined) return [name, { kind: 'file', ...file }];
      if (value === undefined) return [name, { kind: 'undefined' }];
      return [name, { kind: 'value', artifact: await encodeLiteral(project, value) }];
    }),
  );
}

/** Large values that the blob store holds for the run. */
export function parameterBlobs(
  parameters: Launch['parameters'],
): readonly { readonly hash: Digest; readonly size: number }[] {
  return parameters.flatMap(([, item]) =>
    item.kind === 'value' && item.artifact.inline === undefined
      ? [{ hash: item.artifact.record.hash, size: item.artifact.record.size }]
      : [],
  );
}

export async function decodeParameters(project: Project, stored: Launch['parameters']): Promise<Parameters> {
  const entries = await Promise.all(
    stored.map(async ([name, item]): Promise<readonly [string, ParameterValue]> => {
      if (item.kind === 'file') {
        return [name, { value: item.path, file: { path: item.path, directory: item.directory } }];
      }
      const value = item.kind === 'undefined' ? undefined : await decodeStored(project, item.artifact);
      return [name, { value, file: undefined }];
    }),
  );
  return new Map(entries);
}

/** The parameters a run was launched with, as a program would give them: for `rerun`. */
export async function launchValues(project: Project, run: RunId): Promise<Readonly<Record<string, unknown>>> {
  const { parameters } = await readLaunch(project, run);
  const decoded = await decodeParameters(project, parameters);
  return Object.fromEntries([...decoded].map(([name, { value }]) => [name, value]));
}

/** A package that an earlier process wrote, verified. */
export async function storedPackage(project: Project, hash: string): Promise<TaskPackage> {
  const found = await ensurePackage(project, digest(hash));
  if (found !== undefined) {
    await requireSignature(project, { hash: found.hash, what: `step ${found.manifest.id}` });
    return madeEarlier(found);
  }
  throw new RunPipelineError({
    kind: 'store',
    code: 'package-missing',
    message: `the task package ${hash} of this run is missing or damaged`,
    help: 'It cannot be resumed; run it again with run-pipeline rerun.',
  });
}

/** The packages that a run executes, by the keys of its steps; empty when it left nothing to resume from. */
export async function packagesOfRun(project: Project, run: RunId): Promise<ReadonlyMap<string, string>> {
  try {
    return (await readLaunch(project, run)).packages;
  } catch (error) {
    if (isRunPipelineError(error) && error.code === 'not-resumable') return new Map();
    throw error;
  }
}

/** What the launch of a run says of the project's repository. Reads the small document alone. */
export async function gitOfRun(project: Project, run: RunId): Promise<Launch['git']> {
  const document = await project.store.readRunDocument(run, LAUNCH_DOCUMENT);
  return document === undefined ? undefined : storedLaunch(document, run).git;
}
