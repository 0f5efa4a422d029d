import type { TaskId, TaskRecord } from '@run-pipeline/core/model';
import { publishPackages } from '../../package/index.js';
import { newTaskId } from '../../project/new-id.js';
import type { RunRequest } from '../api.js';
import { controllerRecord } from './controller-record.js';
import { filesOfLaunch } from '../launch/carry-files.js';
import { draftValue, type DraftFile, type DraftLaunch } from './draft.js';
import { portableBundle } from './portable-bundle.js';
import type { LaunchPackages } from '../launch/launch.js';
import { declaredPipeline, draftDefaults, draftValues } from './draft-parameters.js';
import { signController } from '../launch/controller-signature.js';
import { launchOptions, prepareLaunch } from '../launch/prepare-launch.js';
import type { LoadedFile } from '../../discover/discovery.js';

/**
 * Makes a pipeline's task that does not run: everything is checked and packaged as for a run, and kept with
 * its record. Steps from tasks are looked up too, and looked up again when it runs.
 */
export async function createDraft(
  request: Omit<RunRequest, 'onEvent' | 'signal' | 'loaded'> & { readonly loaded: LoadedFile },
): Promise<TaskRecord> {
  const { project, definition, source, loaded } = request;
  const declared = declaredPipeline(definition);
  const values = await draftValues({
    definitions: definition.parameters,
    values: request.parameters.values,
    cwd: project.cwd,
  });
  const { packages, graph, selection } = await prepareLaunch(request);
  await publishPackages(project, packages.hashes.values());
  const files = await filesOfLaunch({
    project,
    // What they will be is not known yet.
    parameters: new Map(),
    graph,
    selected: selection?.selected,
  });
  const launch = draftValue(await draftLaunch({ ...request, loaded, packages, files }));
  const record = await controllerRecord({
    project,
    definition,
    source,
    parameters: { ...draftDefaults(declared), ...values },
    launch,
  });
  return project.store.createTask({ id: newTaskId() satisfies TaskId, ...record });
}

/** What another process needs to make a run like this one, but for its parameters. */
export async function draftLaunch(
  request: Pick<RunRequest, 'project' | 'definition' | 'source' | 'exportName' | 'options'> & {
    readonly loaded: LoadedFile;
    readonly packages: LaunchPackages;
    readonly files: readonly DraftFile[];
  },
): Promise<DraftLaunch> {
  const { project, definition, loaded, packages, files } = request;
  const fromTasks = new Set(
    definition.steps.filter(({ code }) => code.kind === 'task').map(({ name }) => name),
  );
  const bundle = await portableBundle(project, loaded.bundle);
  return {
    version: 1,
    kind: definition.kind,
    exportName: request.exportName,
    pipeline: definition.name,
    project: definition.project,
    declared: declaredPipeline(definition),
    source: request.source,
    cwd: project.cwd,
    file: loaded.file,
    argv: loaded.argv ?? [],
    options: launchOptions(request.options),
    packages: [...packages.hashes].filter(([step]) => !fromTasks.has(step)),
    bundle,
    signatures: signController(project, bundle),
    files,
  };
}
