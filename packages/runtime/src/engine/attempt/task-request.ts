import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { taskEnvironment } from '../../project/index.js';
import type { TaskRequest } from '../../workers/protocol.js';
import type { NodeState, RunContext } from '../context.js';
import { argumentValues } from '../step/inputs.js';
import { runnable } from '../launch/packages.js';
import { parameterValues, type Prepared } from '../step/prepare.js';

/** What a step is executed with, wherever that is: encodes what is not stored yet. */
export type TaskContent = Pick<
  TaskRequest,
  | 'task'
  | 'run'
  | 'step'
  | 'pipeline'
  | 'project'
  | 'arguments'
  | 'parameters'
  | 'returns'
  | 'script'
  | 'timeout'
>;

export async function taskContent(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
): Promise<TaskContent> {
  return {
    task: node.task,
    run: context.row.id,
    step: node.name,
    pipeline: context.row.pipeline,
    project: context.row.project,
    arguments: await argumentValues(prepared.arguments),
    parameters: await parameterValues(prepared),
    returns: node.definition.returns,
    ...(prepared.template === undefined ? {} : { script: prepared.template.script }),
    timeout: node.definition.options.timeout,
  };
}

/** Names of what is passed on to the step and masked in what it prints. */
export const secretNames = (context: RunContext, node: NodeState): readonly string[] => [
  ...context.definition.options.secrets,
  ...node.definition.options.secrets,
];

/** Names of what entered its fingerprint: declared, or read by its code. */
const declaredEnv = ({ parts }: Prepared): readonly string[] =>
  parts.flatMap(({ kind, name }) => (kind === 'env' ? [name] : []));

/** For a worker of this process. */
export async function taskRequest(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  attempt: number,
): Promise<TaskRequest> {
  const { manifest, hash, directory } = prepared.package;
  const { file, sourceMap, program } = await runnable(context, prepared.package);
  const content = await taskContent(context, node, prepared);
  const cwd = await workingDirectory(context);
  const { root, home, blobsDirectory, relayed, withheld } = context.project;
  const secrets = secretNames(context, node);
  const { env, masked } = taskEnvironment({
    environment: context.environment,
    withheld,
    // An inline step is executed by this very process, whose drivers go on reading its environment meanwhile.
    declared:
      node.definition.options.isolation === 'inline' ? withheld : [...secrets, ...declaredEnv(prepared)],
  });
  return {
    ...content,
    ...(content.script === undefined ? {} : { script: { ...content.script, file: program } }),
    attempt,
    package: { hash, file, sourceMap, externals: manifest.externals },
    entry: manifest.entry,
    binding: manifest.binding,
    state: { cwd, root, home, relay: relayed ? { blobsDirectory } : undefined },
    env,
    secrets: [...secrets.flatMap((name) => context.environment[name] ?? []), ...masked],
    cwd,
    blobs: { kind: 'directory', path: blobsDirectory },
    assetsDirectory: manifest.assets.length === 0 ? undefined : `${directory}/assets`,
    assetsFrom: dirname(manifest.source.file),
    scratch: await scratchDirectory(context),
  };
}

/**
 * The directory in which the run was started; on a machine that has none of that name, as on any agent, that of
 * the process which executes it.
 */
function workingDirectory(context: RunContext): Promise<string> {
  const known = directories.get(context);
  if (known !== undefined) return known;
  const { cwd } = context.project;
  const found = stat(cwd).then(
    (at) => (at.isDirectory() ? cwd : process.cwd()),
    () => process.cwd(),
  );
  directories.set(context, found);
  return found;
}
const directories = new WeakMap<RunContext, Promise<string>>();

const scratchMade = new WeakMap<RunContext, Promise<string>>();
function scratchDirectory(context: RunContext): Promise<string> {
  const known = scratchMade.get(context);
  if (known !== undefined) return known;
  const directory = join(context.project.home, 'tmp');
  const made = mkdir(directory, { recursive: true }).then(() => directory);
  scratchMade.set(context, made);
  return made;
}
