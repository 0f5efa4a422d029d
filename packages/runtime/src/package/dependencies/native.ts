import { join } from 'node:path';
import type { TrackedFiles } from '../source/tracked-files.js';

/** Packages that exist to build or to find native add-ons. */
const LOADERS = [
  'bindings',
  'cmake-js',
  'nan',
  'neon-cli',
  '@neon-rs/load',
  'node-addon-api',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install',
  'pkg-prebuilds',
];

/** Does a package hold, build or fetch native code? Its results may then differ by platform and ABI. */
export function isNative(
  directory: string,
  json: Readonly<Record<string, unknown>>,
  files: TrackedFiles,
): boolean {
  if (json['gypfile'] === true || json['binary'] !== undefined || json['napi'] !== undefined) return true;
  if (Array.isArray(json['os']) || Array.isArray(json['cpu'])) return true;
  if (typeof json['main'] === 'string' && json['main'].endsWith('.node')) return true;
  const names = Object.keys({
    ...(json['dependencies'] as object),
    ...(json['optionalDependencies'] as object),
  });
  if (names.some((name) => LOADERS.includes(name))) return true;
  if (files.isFile(join(directory, 'binding.gyp'))) return true;
  if (files.kind(join(directory, 'prebuilds')) === 'directory') return true;
  return ['.', 'build/Release', 'lib', 'dist'].some((part) => holdsAddOn(join(directory, part), files));
}

function holdsAddOn(directory: string, files: TrackedFiles): boolean {
  return (
    files.kind(directory) === 'directory' &&
    files.list(directory).some((entry) => entry.name.endsWith('.node'))
  );
}
