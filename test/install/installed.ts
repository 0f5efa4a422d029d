import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repository } from '../mutation/project-directory.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory with both packages installed from what `npm pack` makes of them. */
export class Installed {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-install-')));
  /** Names of the files in each tarball. */
  readonly contents = new Map<string, readonly string[]>();

  static async create(): Promise<Installed> {
    const installed = new Installed();
    const packed = await command(
      'npm',
      ['pack', '--json', '--ignore-scripts', '-w', 'packages/core', '-w', 'packages/runtime'].concat(
        '--pack-destination',
        installed.path,
      ),
      repository,
    );
    if (packed.code !== 0) throw new Error(packed.stderr);
    const parsed = JSON.parse(packed.stdout) as PackedFile[] | Record<string, PackedFile>;
    for (const { name, files } of Object.values(parsed))
      installed.contents.set(
        name,
        files.map(({ path }) => path),
      );
    const tarballs = readdirSync(installed.path).map((name) => `./${name}`);
    installed.write({ 'package.json': '{ "name": "installed", "version": "1.0.0", "private": true }' });
    const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    const done = await command('npm', ['install', ...flags, ...tarballs], installed.path);
    if (done.code !== 0) throw new Error(done.stderr);
    const types = join(installed.path, 'node_modules/@types');
    mkdirSync(types, { recursive: true });
    symlinkSync(join(repository, 'node_modules/@types/node'), join(types, 'node'));
    return installed;
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.path, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }

  manifest(name: string): { readonly version: string; readonly bin?: Readonly<Record<string, string>> } {
    const path = join(this.path, 'node_modules', name, 'package.json');
    return JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  }

  node(directory: string, args: readonly string[]): Promise<Ended> {
    return command(process.execPath, args, join(this.path, directory));
  }

  /** The command line, by the name that npm gives it. */
  runPipeline(directory: string, args: readonly string[]): Promise<Ended> {
    return command(join(this.path, 'node_modules/.bin/run-pipeline'), args, join(this.path, directory));
  }

  tsc(directory: string, args: readonly string[] = []): Promise<Ended> {
    return this.node(directory, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.', ...args]);
  }

  tsx(directory: string, file: string): Promise<Ended> {
    return this.node(directory, [join(repository, 'node_modules/tsx/dist/cli.mjs'), file]);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface PackedFile {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

/** With the environment of a user, not of this test run. */
function command(name: string, args: readonly string[], cwd: string): Promise<Ended> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(?:VITEST|VITE_|NODE_OPTIONS$|RUN_PIPELINE_)/.test(key)),
  );
  const child = spawn(name, args, { cwd, env: { ...env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
