import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageManifest } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { installedDirectory } from './materialise.js';

/** What package managers write when they change what is installed. */
export const STATE_FILES: readonly string[] = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'node_modules/.package-lock.json',
  'node_modules/.modules.yaml',
  'node_modules/.yarn-state.yml',
];

/**
 * A mark of the npm packages a step runs with, taken before and after it executes: when the two differ,
 * something was installed meanwhile, nobody can say what the step ran with, and its result does not
 * enter the cache (INVARIANTS 4). Empty for a step without npm packages.
 */
export function installationMark(paths: ProjectPaths, manifest: PackageManifest): string {
  const npm = manifest.externals.filter((external) => external.kind === 'npm');
  if (npm.length === 0) return '';
  const files = [
    ...STATE_FILES.map((name) => join(paths.root, name)),
    ...npm.map((external) => join(installedDirectory(external, paths.root) ?? paths.root, 'package.json')),
  ];
  return stampFiles(files);
}

/** Time, size and place on the disk of each file, `-` for those that are not there. */
export const stampFiles = (files: readonly string[]): string => files.map(stateOf).join('\n');

function stateOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? `${file} -` : `${file} ${found.mtimeNs} ${found.size} ${found.ino}`;
}
