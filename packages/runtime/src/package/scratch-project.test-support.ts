import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { SourceLocation, TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { createPackager, materialisePackage, type PackageRequest, type PackageResult } from './index.js';
import { packageFile, parsePackage } from './package-file.js';

/** A project in a directory of its own, with the framework's place taken by an empty package. */
export class ScratchProject {
  readonly paths: ProjectPaths;
  readonly packager = createPackager({ mapToSource: (place) => place });

  private constructor(root: string) {
    this.paths = { cwd: root, root, home: join(root, '.run-pipeline') };
  }

  static async create(files: Readonly<Record<string, string>>): Promise<ScratchProject> {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'run-pipeline-package-')));
    const project = new ScratchProject(root);
    await project.write({ 'package.json': '{"name":"scratch","version":"0.0.0","type":"module"}', ...files });
    return project;
  }

  path(file: string): string {
    return join(this.paths.root, file);
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(this.path(file)), { recursive: true });
      await writeFile(this.path(file), text);
    }
  }

  async link(file: string, target: string): Promise<void> {
    await mkdir(dirname(this.path(file)), { recursive: true });
    await symlink(target, this.path(file));
  }

  async remove(): Promise<void> {
    await rm(this.paths.root, { recursive: true, force: true });
  }

  async package(requests: readonly PackageRequest[]): Promise<PackageResult> {
    return this.packager({ paths: this.paths, requests });
  }

  /** A step that a call in a file registers; `name` is the text of its `name:` or the variable it is assigned to. */
  async functionStep(
    key: string,
    options: Partial<PackageRequest> & {
      readonly file?: string;
      readonly call?: string;
      readonly function?: (...args: never[]) => unknown;
    } = {},
  ): Promise<PackageRequest> {
    const file = this.path(options.file ?? 'pipeline.ts');
    const text = await readFile(file, 'utf8');
    return {
      key,
      code: {
        kind: 'function',
        function: options.function ?? (() => undefined),
        call: callPlace(file, text, key, options.call),
        file,
      },
      inputs: options.inputs ?? { kind: 'none' },
      assets: options.assets ?? [],
      cached: options.cached ?? false,
      writing: options.writing ?? 'controller',
    };
  }

  methodStep(
    className: string,
    method: string,
    options: Partial<PackageRequest> & { readonly file?: string } = {},
  ): PackageRequest {
    return {
      key: method,
      code: {
        kind: 'method',
        owner: Object as never,
        className,
        method,
        file: this.path(options.file ?? 'pipeline.ts'),
      },
      inputs: options.inputs ?? { kind: 'none' },
      assets: options.assets ?? [],
      cached: options.cached ?? false,
      writing: 'class',
    };
  }

  /** Runs a package in a process of its own and gives what it returned. */
  async run(
    task: TaskPackage,
    args: readonly unknown[] = [1],
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<unknown> {
    const { file } = await materialisePackage({ paths: this.paths, package: task });
    const { entry } = task.manifest;
    const script = `
      const { default: code } = await import(${JSON.stringify(pathToFileURL(file).href)});
      const args = ${JSON.stringify(args)};
      const entry = ${JSON.stringify(entry)};
      let result;
      try {
        if (entry.kind === 'method') {
          const key = Symbol.for('run-pipeline.parameters');
          globalThis[key] = new Map(Object.entries(${JSON.stringify(parameters)}));
          const instance = new code();
          delete globalThis[key];
          result = await instance[entry.method](...args);
        } else result = await code(...args);
      } catch (error) { result = 'ERROR ' + error.stack; }
      process.stdout.write('RESULT' + JSON.stringify(result ?? null));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--enable-source-maps', '--input-type=module', '-e', script],
      {
        cwd: this.paths.root,
      },
    );
    return JSON.parse(stdout.slice(stdout.indexOf('RESULT') + 'RESULT'.length));
  }

  async code(task: TaskPackage): Promise<string> {
    return readFile(packageFile(this.paths, task.hash), 'utf8').then((text) => parsePackage(text)!.code);
  }
}

/** Where V8 would report the call that registers a step. */
function callPlace(file: string, text: string, key: string, call: string | undefined): SourceLocation {
  let offset: number;
  if (call !== undefined) offset = text.indexOf(call);
  else {
    const name = new RegExp(`name:\\s*['"]${key}['"]`).exec(text);
    const variable = new RegExp(`\\b${key}\\s*=\\s*step\\(`).exec(text);
    if (name !== null) offset = text.lastIndexOf('addFunctionStep', name.index);
    else offset = variable === null ? -1 : variable.index + variable[0].indexOf('step(');
  }
  if (offset < 0) throw new Error(`no call that registers ${key}`);
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
