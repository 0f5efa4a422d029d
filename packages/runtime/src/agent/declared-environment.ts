import { RunPipelineError } from '@run-pipeline/core/model';
import type { TaskSpec } from '../engine/attempt/task-spec.js';
import { environmentHash } from '../fingerprint/index.js';

/**
 * What a step declares of its environment, checked against this agent's own (INVARIANTS 2). The values of
 * `env` are part of the step's fingerprint: with another one its result would enter the cache as that of
 * the first. Secrets do not enter it, but have to be there.
 *
 * @returns The values of the secrets, to be masked.
 */
export function declaredSecrets(
  spec: Pick<TaskSpec, 'env' | 'secrets' | 'step'>,
  agent: { readonly environment: Readonly<Record<string, string>>; readonly secretKey: Uint8Array },
): readonly string[] {
  const { environment, secretKey } = agent;
  for (const { name, hmac } of spec.env) {
    const here = environment[name];
    if (environmentHash(secretKey, here) === hmac) continue;
    if (here === undefined) throw missing('env-missing', `env: ${name}`, spec.step, name);
    throw new RunPipelineError({
      kind: 'run',
      code: 'env-differs',
      message:
        `the environment variable ${name} has another value on this agent than where the run was started, ` +
        `and the result of step ${spec.step} depends on it`,
      help:
        hmac === environmentHash(secretKey, undefined)
          ? `it is not set there: start the agent without ${name}`
          : `start the agent with the same ${name}`,
    });
  }
  return spec.secrets.map((name) => {
    const value = environment[name];
    if (value === undefined) throw missing('secret-missing', `secret: ${name}`, spec.step, name);
    return value;
  });
}

const missing = (code: string, what: string, step: string, name: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code,
    message: `step ${step} declares the ${what}, and this agent's environment has no ${name}`,
    help: `start the agent with ${name} set`,
  });
