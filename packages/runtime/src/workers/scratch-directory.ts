import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A place for a task's local copies of files. Made by whoever writes into it first; removed with the task. */
export class ScratchDirectory {
  readonly #parent: string;
  #path: string | undefined;

  constructor(parent: string | undefined) {
    this.#parent = parent ?? tmpdir();
  }

  get path(): string {
    return (this.#path ??= join(
      this.#parent,
      `run-pipeline-task-${process.pid}-${randomBytes(6).toString('hex')}`,
    ));
  }

  async remove(): Promise<void> {
    // Files that cannot be removed now are left to the system's temporary directory.
    if (this.#path !== undefined)
      await rm(this.#path, { recursive: true, force: true }).catch(() => undefined);
  }
}
