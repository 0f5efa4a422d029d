import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from '../../rig/questions.js';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
export const PROGRAM = join(repository, 'packages/runtime/bin/run-pipeline.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty project of its own in a temporary directory, with run-pipeline installed. */
export class Workspace {
  readonly directory: string;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-cli-')));
    mkdirSync(join(this.directory, 'node_modules/@run-pipeline'), { recursive: true });
    symlinkSync(join(repository, 'packages/runtime'), join(this.directory, 'node_modules/run-pipeline'));
    symlinkSync(join(repository, 'packages/core'), join(this.directory, 'node_modules/@run-pipeline/core'));
    this.write('package.json', '{ "name": "workspace", "type": "module" }');
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  /** Makes a package of this repository one of the workspace. */
  link(name: string): void {
    symlinkSync(join(repository, 'node_modules', name), join(this.directory, 'node_modules', name));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  start(args: readonly string[], options: { readonly env?: Readonly<Record<string, string>> } = {}): Running {
    const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, GITHUB_ACTIONS: _github, ...env } = process.env;
    return new Running(
      spawn(process.execPath, [PROGRAM, ...args], {
        cwd: this.directory,
        env: { ...env, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  run(
    args: readonly string[],
    options: { readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** The same by a process that has executed other commands before: of what is not about the process. */
  ask(...args: readonly string[]): Promise<Ended> {
    return ask(args, { cwd: this.directory });
  }

  /** What a command prints with `--json`, by the same. */
  async json<T>(...args: readonly string[]): Promise<T> {
    const { stdout } = await this.ask(...args, '--json');
    return JSON.parse(stdout) as T;
  }
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #waiting: { readonly pattern: RegExp; readonly found: () => void }[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.ended = new Promise((done) => {
      child.once('close', (code, signal) => done({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when the pattern was printed; rejects when the process ends without it. */
  printed(pattern: RegExp): Promise<void> {
    const found = new Promise<void>((done) => this.#waiting.push({ pattern, found: done }));
    this.#look();
    const ended = this.ended.then(({ stdout, stderr }) => {
      if (!pattern.test(stdout + stderr)) throw new Error(`ended without ${pattern}:\n${stdout}${stderr}`);
    });
    return Promise.race([found, ended]);
  }

  #look(): void {
    const text = this.stdout + this.stderr;
    this.#waiting = this.#waiting.filter(({ pattern, found }) => {
      if (!pattern.test(text)) return true;
      found();
      return false;
    });
  }
}
