import { RunPipelineError } from '@run-pipeline/core/model';
import { packageName, type EnvironmentLock } from './environment-lock.js';

/** Names of packages whose install scripts an agent's machine allows, with commas between. */
export const ALLOW_SCRIPTS = 'RUN_PIPELINE_ALLOW_SCRIPTS';

const NAME = /^(?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*$/i;

/** Which packages of a lock have install scripts that run, sorted, and which have some that do not. */
export function installScripts(
  lock: EnvironmentLock,
  env: Readonly<Record<string, string | undefined>>,
): { readonly allowed: readonly string[]; readonly withheld: readonly string[] } {
  const names = (env[ALLOW_SCRIPTS] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'allow-scripts',
      message: `${ALLOW_SCRIPTS} names \`${wrong}\`, which is not the name of an npm package`,
      help: `write names with commas between: ${ALLOW_SCRIPTS}=better-sqlite3,sharp`,
    });
  }
  const present = new Set([...lock.entries].map(([place, entry]) => packageName(place, entry)));
  const scripted = [...lock.entries].flatMap(([place, entry]) =>
    entry.hasInstallScript === true ? packageName(place, entry) : [],
  );
  const allowed = [...new Set(names)].filter((name) => present.has(name)).sort();
  return { allowed, withheld: [...new Set(scripted)].filter((name) => !allowed.includes(name)).sort() };
}
