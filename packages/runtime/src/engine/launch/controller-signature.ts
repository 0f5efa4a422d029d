import { RunPipelineError } from '@run-pipeline/core/model';
import type { SourceBundle } from '../../discover/discovery.js';
import type { Project } from '../../project/project.js';
import { controllerCode } from './controller-code.js';

/**
 * A pipeline's file is executed by whoever drives its run: on an agent that requires signatures it is
 * evaluated only when it is signed as a packages are. The signature is kept with the code, in what a run or a
 * draft was launched with, and goes along to runs and clones that are made of it.
 */
export interface StoredSignature {
  /** Id of the public key. */
  readonly key: string;
  /** Base64. */
  readonly signature: string;
}

/** Empty where nothing is signed. */
export function signController(
  { signing }: Pick<Project, 'signing'>,
  bundle: SourceBundle | undefined,
): readonly StoredSignature[] {
  if (bundle === undefined || signing.signer === undefined) return [];
  const { key, signature } = signing.signer.sign('controller', controllerCode(bundle).hash);
  return [{ key, signature: Buffer.from(signature).toString('base64') }];
}

/** @throws RunPipelineError `controller-unsigned`, before anything of it is evaluated. */
export function requireSignedController(
  { signing }: Pick<Project, 'signing'>,
  launch: {
    readonly bundle: SourceBundle;
    readonly signatures?: readonly StoredSignature[] | undefined;
    readonly pipeline: string;
  },
): void {
  if (signing.trust === undefined) return;
  const given = launch.signatures ?? [];
  const signatures = given.map(({ key, signature }) => ({
    key: String(key),
    signature: Buffer.from(String(signature), 'base64'),
  }));
  if (signing.trust.isSigned('controller', controllerCode(launch.bundle).hash, signatures)) return;
  throw new RunPipelineError({
    kind: 'run',
    code: 'controller-unsigned',
    message: `the file of pipeline ${launch.pipeline} is not signed by a key that is trusted here${by(given)}: it is not executed`,
    help: SIGN_HELP,
  });
}

export const SIGN_HELP =
  'start the run with RUN_PIPELINE_SIGNING_KEY set to a private key whose public key is among RUN_PIPELINE_TRUSTED_KEYS of the agent';

/** Of signatures that do not count: whose they claim to be. */
const by = (given: readonly { readonly key: string }[]): string =>
  given.length === 0
    ? ''
    : ` (its signature is by ${given.map(({ key }) => String(key).slice(0, 32)).join(', ')}, or for other code)`;
