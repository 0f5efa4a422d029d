import { isAbsolute, resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { isRunPipelineError, type RunId, type TaskRecord } from '@run-pipeline/core/model';
import type { NewJob } from '@run-pipeline/core/ports';
import type { Project } from '../../project/project.js';
import { carryFiles, fileBlobs, type FilePath } from '../launch/carry-files.js';
import { readLaunch } from '../launch/run-documents.js';
import type { CarriedFile } from '../launch/run-files.js';
import { carriedFiles, readDraft, type DraftLaunch } from './draft.js';
import { definitionsOf, givenParameters } from './draft-parameters.js';

/**
 * What goes with the job of a controller whose run does not exist yet: files. A draft names them by their paths;
 * when it is enqueued their content is stored, as that of any run is when it is started. What is not on this
 * machine is taken as the run had it that the draft was cloned from.
 */
export async function controllerJob(
  project: Project,
  record: TaskRecord,
): Promise<Pick<NewJob, 'spec' | 'pins'>> {
  const isDraft = record.type === 'controller' && record.script?.launch !== undefined;
  if (!isDraft || (await project.store.getRun(record.id as string as RunId)) !== undefined) return {};
  const draft = await readDraft(project, record);
  const paths = [...(draft.files ?? []), ...parameterFiles(record, draft)];
  const here = await carryFiles(project, paths);
  const missing = paths.filter((each) => !here.some((file) => isSame(file, each)));
  const known =
    missing.length === 0 ? [] : [...carriedFiles(draft), ...(await filesOfParent(project, record))];
  const earlier = new Map<string, CarriedFile>();
  for (const file of known.filter((each) => missing.some((path) => isSame(each, path)))) {
    const { record: artifact, inline } = file.artifact;
    const isKept = inline !== undefined || (await project.blobs.stat(artifact.hash)) !== undefined;
    if (isKept) earlier.set(`${file.directory} ${file.path}`, file);
  }
  const files = [...here, ...earlier.values()];
  if (files.length === 0) return {};
  return {
    spec: serialize({ version: 1, files } satisfies ControllerSpec),
    // What is small stands in the spec.
    pins: fileBlobs(files),
  };
}

const isSame = (a: FilePath, b: FilePath): boolean => a.path === b.path && a.directory === b.directory;

/** Those of the run that it was cloned from. */
async function filesOfParent(project: Project, { parent }: TaskRecord): Promise<readonly CarriedFile[]> {
  if (parent === undefined) return [];
  try {
    return (await readLaunch(project, parent as string as RunId)).files ?? [];
  } catch (error) {
    if (isRunPipelineError(error) && error.code === 'not-resumable') return [];
    throw error;
  }
}

interface ControllerSpec {
  readonly version: 1;
  readonly files: readonly CarriedFile[];
}

/** The files that came with a job; undefined: none did. Deserialising runs no code (INVARIANTS 22). */
export function filesOfJob(spec: Uint8Array | undefined): readonly CarriedFile[] | undefined {
  return spec === undefined ? undefined : (deserialize(spec) as ControllerSpec).files;
}

function parameterFiles(record: TaskRecord, draft: DraftLaunch): readonly FilePath[] {
  const { values } = givenParameters(record);
  return definitionsOf(draft.declared).flatMap(({ name, type, default: usual }): readonly FilePath[] => {
    if (type !== 'file' && type !== 'directory') return [];
    const path = Object.hasOwn(values, name) ? values[name] : usual;
    if (typeof path !== 'string') return [];
    return [{ path: isAbsolute(path) ? path : resolve(draft.cwd, path), directory: type === 'directory' }];
  });
}
