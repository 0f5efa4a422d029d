import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

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
export function isNative(directory: string, json: Readonly<Record<string, unknown>>): boolean {
  if (json['gypfile'] === true || json['binary'] !== undefined || json['napi'] !== undefined) return true;
  if (Array.isArray(json['os']) || Array.isArray(json['cpu'])) return true;
  if (typeof json['main'] === 'string' && json['main'].endsWith('.node')) return true;
  const names = Object.keys({
    ...(json['dependencies'] as object),
    ...(json['optionalDependencies'] as object),
  });
  if (names.some((name) => LOADERS.includes(name))) return true;
  if (existsSync(join(directory, 'binding.gyp')) || existsSync(join(directory, 'prebuilds'))) return true;
  return ['.', 'build/Release', 'lib', 'dist'].some((part) => holdsAddOn(join(directory, part)));
}

function holdsAddOn(directory: string): boolean {
  try {
    return readdirSync(directory).some((name) => name.endsWith('.node'));
  } catch {
    return false;
  }
}
