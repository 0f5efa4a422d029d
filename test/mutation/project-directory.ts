import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tree } from './project.js';

export const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A project on disk that follows a tree: only what differs is written. */
export class ProjectDirectory {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-mutation-')));
  /** Outside of the project: bundles of the truth, the store. */
  readonly aside = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-mutation-aside-')));
  #tree: Tree = new Map();

  constructor(links: Readonly<Record<string, string>> = {}) {
    const all = {
      'node_modules/run-pipeline': join(repository, 'packages/runtime'),
      'node_modules/@run-pipeline/core': join(repository, 'packages/core'),
      ...links,
    };
    for (const [name, target] of Object.entries(all)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      symlinkSync(target, join(this.path, name));
    }
  }

  write(tree: Tree): void {
    for (const name of this.#tree.keys()) {
      if (!tree.has(name)) this.#remove(name, tree);
    }
    for (const [name, content] of tree) {
      if (this.#tree.get(name) === content) continue;
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), content);
    }
    this.#tree = new Map(tree);
  }

  /** Writes a file again as it is: a new time, the same content. */
  touch(name: string): void {
    const path = join(this.path, name);
    const before = statSync(path).mtimeMs;
    do writeFileSync(path, readFileSync(path));
    while (statSync(path).mtimeMs === before);
  }

  remove(): void {
    for (const path of [this.path, this.aside]) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }

  /** With the directories that it leaves empty. */
  #remove(name: string, tree: Tree): void {
    rmSync(join(this.path, name), { force: true });
    for (let at = dirname(name); at !== '.'; at = dirname(at)) {
      if ([...tree.keys()].some((other) => other.startsWith(`${at}/`))) return;
      rmSync(join(this.path, at), { recursive: true, force: true });
    }
  }
}
