import type { RunRow } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import { publishPackages } from '../../package/index.js';
import { readGitHead } from '../../project/git-head.js';
import { newRunId } from '../../project/new-id.js';
import { processIdentity } from '../../project/process-identity.js';
import type { RunRequest } from '../api.js';
import { controllerRecord } from './controller-record.js';
import { draftLaunch } from './create-draft.js';
import { carryFiles, fileBlobs, filesOfLaunch } from '../launch/carry-files.js';
import { draftFiles, draftValue } from './draft.js';
import { portableBundle } from './portable-bundle.js';
import { declaredPipeline, recordedParameters } from './draft-parameters.js';
import { launchParameters, requireGivenFiles } from '../launch/parameters.js';
import { signController } from '../launch/controller-signature.js';
import { launchOptions, prepareLaunch } from '../launch/prepare-launch.js';
import {
  encodeParameters,
  LAUNCH_DOCUMENT,
  launchDocument,
  parameterBlobs,
} from '../launch/run-documents.js';
import { leaseMs } from '../settings.js';

/**
 * Makes a run for an agent to take: everything is checked and packaged here, as for a run of this process,
 * then the run waits, with its controller in the queue. The agent needs nothing but the store, the blobs
 * and the packages.
 */
export async function launchRemote(
  request: Omit<RunRequest, 'onEvent' | 'signal'> & {
    /** Where its controller waits. */
    readonly controllerQueue: string;
  },
): Promise<RunRow> {
  const { project, definition, source } = request;
  const parameters = await launchParameters({ definition, given: request.parameters, cwd: project.cwd });
  requireGivenFiles(parameters, request.parameters);
  const { templates, packages, graph, selection } = await prepareLaunch(request);
  await publishPackages(project, packages.hashes.values());
  const loaded = request.loaded && {
    ...request.loaded,
    bundle: await portableBundle(project, request.loaded.bundle),
  };
  const [encoded, files] = await Promise.all([
    encodeParameters(project, parameters),
    filesOfLaunch({ project, parameters, graph, selected: selection?.selected }).then((paths) =>
      carryFiles(project, paths),
    ),
  ]);
  const { document, values } = launchDocument({
    version: 1,
    kind: definition.kind,
    exportName: request.exportName,
    pipeline: definition.name,
    project: definition.project,
    parameters: encoded,
    files,
    packages: packages.hashes,
    templates,
    bundle: loaded?.bundle,
    signatures: signController(project, loaded?.bundle),
    git: readGitHead(project.root),
    cwd: project.cwd,
    file: loaded?.file,
    argv: loaded?.argv,
    declared: declaredPipeline(definition),
    options: launchOptions(request.options),
  });
  const recorded = recordedParameters(parameters);
  const task = await controllerRecord({
    project,
    definition,
    source,
    parameters: recorded.values,
    // With it the record can be cloned as any task: then it must say everything.
    ...(loaded === undefined || !recorded.complete
      ? {}
      : {
          launch: draftValue(await draftLaunch({ ...request, loaded, packages, files: draftFiles(files) })),
        }),
  });
  const row = await project.store.createRun({
    id: newRunId(),
    pipeline: definition.name,
    project: definition.project,
    version: definition.version,
    owner: processIdentity(),
    leaseMs: leaseMs(process.env),
    queued: true,
    controller: { task, queue: request.controllerQueue, priority: request.options.priority },
    source,
    ...(request.parent === undefined ? {} : { parent: request.parent }),
    documents: [{ name: LAUNCH_DOCUMENT, bytes: document }],
    values,
    blobs: fileBlobs(files, parameterBlobs(encoded)),
  });
  crashPoint('run-queued');
  return row;
}
