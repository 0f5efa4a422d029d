import type { ArtifactRecord, PipelineDefinition, TaskRecord } from '@run-pipeline/core/model';
import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import type { SourceBundle } from '../../discover/discovery.js';
import type { Project } from '../../project/project.js';
import type { StoredSignature } from '../launch/controller-signature.js';
import type { FilePath } from '../launch/carry-files.js';
import { controllerCode, jsonValue, requireUndamaged, type SharedValue } from '../launch/controller-code.js';
import type { DeclaredPipeline, Launch, LaunchRecord } from '../launch/run-documents.js';
import type { CarriedFile } from '../launch/run-files.js';

/**
 * What a pipeline's task is made of, other than its parameters: one value of the store, which the record
 * names (`script.launch`). It says everything that another process needs to make the run, so that a draft
 * and all of its clones share it and keep it alive. Parameters are the record's own, because they are
 * what people edit.
 */
export interface DraftLaunch {
  readonly version: 1;
  readonly kind: PipelineDefinition['kind'];
  /** How to pick the pipeline among the candidates of its file: the export, else by these names. */
  readonly exportName: string | undefined;
  readonly pipeline: string;
  readonly project: string;
  readonly declared: DeclaredPipeline;
  /** `examples/iris.ts#IrisPipeline`. */
  readonly source: string;
  readonly cwd: string;
  readonly file: string;
  readonly argv: readonly string[];
  readonly options: Launch['options'];
  /** Package key to hash; of steps from tasks none: those are looked up when the run is made. */
  readonly packages: readonly (readonly [string, string])[];
  readonly bundle: SourceBundle;
  /** Of the bundle; absent: nobody has signed it. */
  readonly signatures?: readonly StoredSignature[];
  /** What its steps read, as far as it could be told; what parameters name comes when it is enqueued. */
  readonly files?: readonly DraftFile[];
  /** The digest of the code in `bundle`, the same as that of a run. */
  readonly controller?: Digest;
}

/** A file, and its content where it was stored for a run already. */
export interface DraftFile extends FilePath {
  readonly artifact?: { readonly record: ArtifactRecord; readonly inline?: string };
}

/** As a draft keeps them. */
export const draftFiles = (files: readonly CarriedFile[]): readonly DraftFile[] =>
  files.map(({ path, directory, artifact: { record, inline } }) => ({
    path,
    directory,
    artifact: {
      record,
      ...(inline === undefined ? {} : { inline: Buffer.from(inline).toString('base64') }),
    },
  }));

/** Those whose content a run has stored. */
export const carriedFiles = ({ files = [] }: Pick<DraftLaunch, 'files'>): readonly CarriedFile[] =>
  files.flatMap(({ path, directory, artifact }): readonly CarriedFile[] => {
    if (artifact === undefined) return [];
    const { record, inline } = artifact;
    return [
      {
        path,
        directory,
        artifact: { record, ...(inline === undefined ? {} : { inline: Buffer.from(inline, 'base64') }) },
      },
    ];
  });

/** Where the record of a pipeline has its parameters. */
export const PARAMETER_SECTION = 'General';

export const draftValue = (launch: DraftLaunch): SharedValue =>
  jsonValue({ ...launch, controller: controllerCode(launch.bundle).hash } satisfies DraftLaunch);

/** @throws RunPipelineError when the task is no pipeline's, or what it was made of is gone or damaged. */
export async function readDraft(project: Project, record: TaskRecord): Promise<DraftLaunch> {
  const hash = record.script?.launch;
  if (hash === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'not-a-pipeline',
      message: `task ${record.id} (${record.name}) is not the task of a pipeline`,
      help: 'Pipelines are drafted with pipe.createDraft(), or started with --remote.',
    });
  }
  const bytes = await project.store.readValue(hash);
  const what = `what the pipeline ${record.name} (task ${record.id}) was made of`;
  if (bytes !== undefined) requireUndamaged(bytes, hash, what);
  const launch = bytes === undefined ? undefined : parsed(bytes);
  if (launch !== undefined) {
    if (launch.controller !== undefined) {
      const { hash: code, bytes: bundle } = controllerCode(launch.bundle);
      if (code !== launch.controller) requireUndamaged(bundle, launch.controller, what);
    }
    return launch;
  }
  throw new RunPipelineError({
    kind: 'store',
    code: 'launch-missing',
    message: `${what} ${bytes === undefined ? 'is missing from the store' : 'was kept by another version of run-pipeline'}`,
    help: 'Draft it again: pipe.createDraft().',
  });
}

function parsed(bytes: Uint8Array): DraftLaunch | undefined {
  try {
    const launch = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<DraftLaunch> | null;
    return launch?.version === 1 ? (launch as DraftLaunch) : undefined;
  } catch {
    return undefined;
  }
}

/** As a run keeps it. */
export const launchOfDraft = (
  draft: DraftLaunch,
  given: Pick<LaunchRecord, 'parameters' | 'templates' | 'packages' | 'files'>,
): LaunchRecord => ({
  version: 1,
  kind: draft.kind,
  exportName: draft.exportName,
  pipeline: draft.pipeline,
  project: draft.project,
  cwd: draft.cwd,
  file: draft.file,
  argv: draft.argv,
  declared: draft.declared,
  options: draft.options,
  bundle: draft.bundle,
  ...(draft.signatures === undefined ? {} : { signatures: draft.signatures }),
  ...given,
});
