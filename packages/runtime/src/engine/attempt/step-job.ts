import { RunPipelineError } from '@run-pipeline/core/model';
import type { NewJob } from '@run-pipeline/core/ports';
import { platformOf } from '../../fingerprint/index.js';
import type { NodeState, RunContext } from '../context.js';
import type { Prepared } from '../step/prepare.js';
import { encodedInputs, type EncodedInput } from './attempt-blobs.js';
import { secretNames, taskContent } from './task-request.js';
import { encodeSpec } from './task-spec.js';

/** What an agent is given to execute a step, and what must not be collected until it has. */
export async function stepJob(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
): Promise<Required<Pick<NewJob, 'spec' | 'pins' | 'identity'>>> {
  const { script, ...content } = await taskContent(context, node, prepared);
  const spec = encodeSpec({
    version: 1,
    ...content,
    package: prepared.package.hash,
    script: script === undefined ? undefined : withoutPlace(script),
    isolation: node.definition.options.isolation,
    platform: platformOf(prepared.package.manifest.native),
    // Exactly what entered the fingerprint: an agent with other values would compute something else.
    env: prepared.parts.flatMap(({ kind, name, hash }) => (kind === 'env' ? [{ name, hmac: hash }] : [])),
    secrets: secretNames(context, node),
  });
  return { spec, identity: prepared.fingerprint, pins: await pinsOf(context, encodedInputs(content)) };
}

/** Where the script lies on this machine is not where the agent materialises it. */
function withoutPlace<T extends { readonly file?: string }>({ file: _file, ...script }: T): Omit<T, 'file'> {
  return script;
}

/** Values that were encoded for this step alone have no other row that keeps them. */
async function pinsOf(
  context: RunContext,
  inputs: readonly EncodedInput[],
): Promise<Required<NewJob>['pins']> {
  const pins: Required<NewJob>['pins'][number][] = [];
  for (const { hash, inline } of inputs) {
    const size = inline?.byteLength ?? (await context.project.blobs.stat(hash))?.size;
    if (size === undefined) {
      throw new RunPipelineError({
        kind: 'artifact',
        code: 'missing-blob',
        message: `an input of this step (${hash}) is not in the blob store any more`,
        help: 'Run the pipeline again: what made it is executed again.',
      });
    }
    pins.push(inline === undefined ? { hash, size } : { hash, size, bytes: inline });
  }
  return pins;
}
