import { digest, stepName, type Digest, type RunId } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { packagesOfRun } from '../../engine/index.js';
import { ensurePackage, readPackageSources, type PackageSource } from '../../package/index.js';
import type { PackageManifest } from '@run-pipeline/core/model';
import type { ServerContext } from '../server-context.js';

export interface StepPackage {
  readonly hash: Digest;
  readonly manifest: PackageManifest;
  readonly sources: readonly PackageSource[];
}

/**
 * The package that a step of a run executes. A run keeps its packages by the names of step definitions;
 * a call of a pipeline function may have another name (`train_1`), so the hash of the code that its
 * fingerprint holds decides, where there is one.
 */
export async function packageOfStep(
  context: ServerContext,
  run: RunId,
  step: string,
): Promise<StepPackage | undefined> {
  const { project } = context;
  const packages = await packagesOfRun(project, run);
  const preimage = await project.store.readPreimage(run, stepName(step));
  const codeHash = codeOf(preimage?.parts);
  const named = namesOf(step).flatMap((name) => packages.get(name) ?? []);
  for (const hash of new Set([...named, ...packages.values()])) {
    await ensurePackage(project, digest(hash));
    const found = readPackageSources(project, digest(hash));
    if (found === undefined) continue;
    if (codeHash === undefined ? named.includes(hash) : found.manifest.codeHash === codeHash)
      return { hash: digest(hash), ...found };
    if (codeHash === undefined) break;
  }
  return undefined;
}

export const codeOf = (parts: readonly PreimagePart[] | undefined): string | undefined =>
  parts?.find(({ kind }) => kind === 'code')?.hash;

/** `score[3]` is made by the step `score`, `train_1` by `train`. */
const namesOf = (step: string): readonly string[] => {
  const mapped = step.replace(/\[\d+\]$/, '');
  return [step, mapped, mapped.replace(/_\d+$/, '')];
};
