import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PackageManifest, TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { hashOf } from './digest.js';

/**
 * A package is one file, `<home>/packages/<hash>.mjs`, which is the task's module itself: Node evaluates
 * it as it is. What else belongs to a package stands in comments behind the code: the manifest, the
 * lockfile of its npm dependencies, the source map. One file, because making a file is the most
 * expensive thing that a cold run does for a step. Assets, where there are any, lie in
 * `<home>/packages/<hash>/assets/`.
 */
export interface PackageTexts {
  readonly code: string;
  /** Its sources are relative to the project's root. */
  readonly map: string;
  readonly manifest: string;
  /** Shaped as package-lock.json; undefined without npm dependencies. */
  readonly lock: string | undefined;
}

/** Where the assets of a package are kept: a digest is safe as a name. */
export const packageDirectory = (paths: ProjectPaths, hash: TaskPackage['hash']): string =>
  join(paths.home, 'packages', hash.slice('sha256:'.length));

export const packageFile = (paths: ProjectPaths, hash: TaskPackage['hash']): string =>
  `${packageDirectory(paths, hash)}.mjs`;

export function removePackage(paths: ProjectPaths, hash: TaskPackage['hash']): void {
  rmSync(packageFile(paths, hash), { force: true });
  rmSync(packageDirectory(paths, hash), { recursive: true, force: true });
}

/**
 * Names a package: over all of its texts (assets by their hashes, which the manifest holds), but not
 * over the place of the project, which the map in the file names so that it can be used as it is.
 */
export const packageHash = ({ code, map, manifest, lock }: PackageTexts): TaskPackage['hash'] =>
  hashOf('package-2', code, map, manifest, lock ?? '');

const MANIFEST = '//# run-pipeline-manifest=';
const LOCK = '//# run-pipeline-lock=';
const MAP = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';

/** The file. `root`: the directory that the map's sources are in. */
export function formatPackage(texts: PackageTexts, root: string): string {
  const { code, map, manifest, lock } = texts;
  const more = lock === undefined ? '' : `${LOCK}${oneLine(lock)}\n`;
  return `${code}${MANIFEST}${oneLine(manifest)}\n${more}${mapComment(withRoot(map, root))}`;
}

/** The other way; undefined where it is no such file. The map's root is told apart. */
export function parsePackage(text: string): (PackageTexts & { readonly root: string }) | undefined {
  const start = text.lastIndexOf(`\n${MANIFEST}`) + 1;
  if (start === 0) return undefined;
  const comments = text.slice(start).split('\n');
  const take = (prefix: string): string | undefined =>
    comments[0]?.startsWith(prefix) === true ? comments.shift()!.slice(prefix.length) : undefined;
  const manifest = take(MANIFEST);
  const lock = take(LOCK);
  const map = take(MAP);
  if (manifest === undefined || map === undefined || comments.join('') !== '') return undefined;
  const decoded = Buffer.from(map, 'base64').toString('utf8');
  const root = ROOT.exec(decoded)?.[1];
  if (root === undefined) return undefined;
  return { code: text.slice(0, start), map: decoded.replace(ROOT, '{'), manifest, lock, root };
}

export const parseManifest = (texts: PackageTexts): PackageManifest =>
  JSON.parse(texts.manifest) as PackageManifest;

/** What ends a module whose map goes with it: debuggers and Node know this form. */
export const mapComment = (map: string): string => `${MAP}${Buffer.from(map).toString('base64')}\n`;

export const sourceRoot = (root: string): string => `${pathToFileURL(root).href}/`;
const ROOT = /^\{"sourceRoot":"([^"]*)",/;
const withRoot = (map: string, root: string): string =>
  `{"sourceRoot":${JSON.stringify(sourceRoot(root))},${map.slice(1)}`;

/** JSON as a comment: these two end a line of JavaScript, and may stand in a JSON string as they are. */
const oneLine = (json: string): string =>
  json.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
