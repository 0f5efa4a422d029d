import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunPipelineError, type TaskPackage } from '@run-pipeline/core/model';
import type { Job } from '@run-pipeline/core/ports';
import { decodeSpec, type TaskSpec } from '../engine/attempt/task-spec.js';
import { platformOf } from '../fingerprint/index.js';
import { ensurePackage, materialisePackage, requireSignature } from '../package/index.js';
import { taskEnvironment } from '../project/index.js';
import type { AgentContext } from './agent-context.js';
import { declaredSecrets } from './declared-environment.js';
import { providePackages, type Executable, type Preparation } from './executable.js';

/** A step of somebody's run, as its spec describes it. What is missing here is an error that says so. */
export async function stepExecutable(
  agent: AgentContext,
  { spec, job, ...preparation }: Preparation & { readonly spec: TaskSpec; readonly job: Job },
): Promise<Executable> {
  const { project, environment } = agent;
  const secrets = declaredSecrets(spec, agent);
  const taskPackage = await packageOf(agent, spec);
  const { manifest, hash, directory } = taskPackage;
  const { modules, changed } = await providePackages(agent, taskPackage, preparation);
  const { file, sourceMap, program } = await materialisePackage({
    paths: project,
    package: taskPackage,
    ...(modules === undefined ? {} : { modules }),
  });
  const platform = platformOf(manifest.native);
  const scratch = join(project.home, 'tmp');
  await mkdir(scratch, { recursive: true });
  const { cwd, root, home, blobsDirectory, relayed, withheld } = project;
  const given = taskEnvironment({
    environment,
    withheld,
    declared: [...spec.secrets, ...spec.env.map(({ name }) => name)],
  });
  return {
    request: {
      task: spec.task,
      run: spec.run,
      step: spec.step,
      attempt: job.attempt,
      pipeline: spec.pipeline,
      project: spec.project,
      package: { hash, file, sourceMap, externals: manifest.externals },
      entry: manifest.entry,
      binding: manifest.binding,
      arguments: spec.arguments,
      parameters: spec.parameters,
      returns: spec.returns,
      ...(spec.script === undefined ? {} : { script: { ...spec.script, file: program } }),
      state: { cwd, root, home, relay: relayed ? { blobsDirectory } : undefined },
      env: given.env,
      secrets: [...secrets, ...given.masked],
      cwd,
      // Relative to the root, places mean the same to the run, which shows them.
      placesFrom: root,
      blobs: { kind: 'directory', path: blobsDirectory },
      assetsDirectory: manifest.assets.length === 0 ? undefined : join(directory, 'assets'),
      assetsFrom: dirname(manifest.source.file),
      scratch,
      timeout: spec.timeout,
    },
    // An agent never executes anything in its own process: busy code must not keep it from its heartbeats.
    isolation: spec.isolation === 'inline' ? 'process' : spec.isolation,
    closureKey: manifest.closureHash,
    ownWorker: manifest.ownWorker,
    uncacheable: () => (spec.platform === platform ? changed() : `it was executed with ${platform}`),
  };
}

/** Deserialising runs no code; a spec of another version of the program is not guessed at. */
export function specOf(job: Job): TaskSpec {
  let spec: TaskSpec | undefined;
  try {
    spec = job.spec === undefined ? undefined : decodeSpec(job.spec);
  } catch {
    // Told below.
  }
  if (spec?.version === 1) return spec;
  throw new RunPipelineError({
    kind: 'run',
    code: 'unknown-spec',
    message: `this agent cannot read what it is to execute for ${job.task}: it was queued by another version of run-pipeline`,
    help: 'use the same version for the run and its agents',
  });
}

/** Verified by its hash, and by its signature where that is required (INVARIANTS 22). */
async function packageOf({ project }: AgentContext, spec: TaskSpec): Promise<TaskPackage> {
  const found = await ensurePackage(project, spec.package);
  if (found !== undefined) {
    await requireSignature(project, { hash: found.hash, what: `step ${spec.step}` });
    return found;
  }
  throw new RunPipelineError({
    kind: 'load',
    code: 'package-missing',
    message: `the package of step ${spec.step} is missing or damaged${
      project.packages === undefined
        ? ` in ${project.home}`
        : ', here and where packages are exchanged (RUN_PIPELINE_BLOBS)'
    }`,
    help: 'run the pipeline again from its file: its packages are then made anew',
  });
}
