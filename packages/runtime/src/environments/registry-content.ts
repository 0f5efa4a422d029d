import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { RunPipelineError, type ClosureEntry } from '@run-pipeline/core/model';
import { contentOf, isContent, isPatched } from '../package/dependencies/installed-content.js';
import type { PackagedImports } from './environment.js';
import { packageName, type EnvironmentLock } from './environment-lock.js';

/**
 * A step's fingerprint says with which content of its npm packages it runs, so an environment must hold
 * exactly that. A lockfile's integrities see to it where the project has them. Packages that the packager
 * knew by their content alone (no package-lock.json, or edited in place) are compared after installation;
 * what no registry has is refused before it.
 */
export function checkSources(lock: EnvironmentLock, manifest: PackagedImports): void {
  const patched = manifest.closure.find((entry) => isPatched(entry.integrity));
  if (patched !== undefined) throw notFromRegistry(labelOf(patched), 'it was patched in the project');
  const [unavailable] = lock.unavailable;
  if (unavailable !== undefined) throw notFromRegistry(unavailable.package, unavailable.why);
}

/** After installation; remembered in the environment. */
export async function checkContents(options: {
  readonly root: string;
  readonly lock: EnvironmentLock;
  readonly manifest: PackagedImports;
  /** What these packages' install scripts made, nobody can foresee; who allowed them vouches for them. */
  readonly scripts: readonly string[];
}): Promise<void> {
  const { root, lock, manifest, scripts } = options;
  const entries = manifest.closure.filter(
    (entry) => isContent(entry.integrity) && !scripts.includes(entry.name),
  );
  if (entries.length === 0) return;
  const hash = createHash('sha256')
    .update(JSON.stringify(entries.map(labelled).sort()))
    .digest('hex');
  const checked = join(root, `checked-${hash.slice(0, 40)}`);
  if (existsSync(checked)) return;
  const accepted = new Map<string, Set<string>>();
  for (const entry of entries) {
    const contents = accepted.get(labelOf(entry)) ?? new Set();
    accepted.set(labelOf(entry), contents.add(entry.integrity ?? ''));
  }
  for (const [place, entry] of lock.entries) {
    const label = `${packageName(place, entry)}@${entry.version ?? '?'}`;
    const contents = accepted.get(label);
    const directory = join(root, place);
    if (contents === undefined || !existsSync(directory) || contents.has(contentOf(directory))) continue;
    throw notFromRegistry(
      label,
      'its files in the project are not those that the registry has (edited, patched, or made by an install script)',
    );
  }
  await writeFile(checked, '').catch(() => undefined);
}

const labelOf = (entry: ClosureEntry): string => `${entry.name}@${entry.version}`;
const labelled = (entry: ClosureEntry): string => `${labelOf(entry)} ${entry.integrity ?? ''}`;

const notFromRegistry = (label: string, why: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'load',
    code: 'environment-source',
    message: `the package ${label} cannot be installed here: ${why}`,
    help: 'run the step in the project itself (--local), or publish what it needs to a registry',
  });
