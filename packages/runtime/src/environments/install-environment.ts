import { spawn } from 'node:child_process';
import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import type { EnvironmentRequest } from './environment.js';
import type { EnvironmentLock } from './environment-lock.js';
import { describePackages } from './packages-text.js';
import { findNpm, npmEnvironment, type NpmCommand } from './npm-command.js';
import { npmFailure } from './npm-failure.js';
import { runNpm } from './run-npm.js';

/** How often people are told that it still goes on. */
const PROGRESS_MS = 10_000;

/** How npm installs is ours to say, whatever npmrc files say; where from is theirs. */
const FLAGS = [
  '--workspaces=false',
  '--global=false',
  '--package-lock=true',
  '--package-lock-only=false',
  '--dry-run=false',
  '--install-strategy=hoisted',
  '--include=dev',
  '--include=optional',
  '--include=peer',
  '--audit=false',
  '--fund=false',
  '--update-notifier=false',
  '--progress=false',
  '--loglevel=error',
];

export interface Installation {
  readonly request: EnvironmentRequest;
  readonly lock: EnvironmentLock;
  /** Packages whose install scripts run. */
  readonly scripts: readonly string[];
  /** An empty place that nobody else uses. */
  readonly directory: string;
  readonly onNpm: (identity: ProcessIdentity) => Promise<void>;
}

/** Installs a lockfile into a directory, completely or with an error that says why not. */
export async function installEnvironment(installation: Installation): Promise<void> {
  const { request, lock, scripts, directory } = installation;
  const npm = findNpm(request.env);
  const { count, text } = describePackages(lock);
  request.onProgress(`installing ${count} npm package${count === 1 ? '' : 's'}: ${text}`);
  const started = Date.now();
  const progress = setInterval(() => {
    request.onProgress(`still installing ${text} (${Math.round((Date.now() - started) / 1000)} s)`);
  }, PROGRESS_MS);
  const npmrc = join(directory, '.npmrc');
  try {
    await mkdir(directory, { recursive: true });
    const json = { name: 'task', version: '0.0.0', private: true, dependencies: lock.dependencies };
    await writeFile(join(directory, 'package.json'), JSON.stringify(json));
    await writeFile(join(directory, 'package-lock.json'), lock.text);
    await useProjectSettings(request.project, npmrc);
    await npmStep({ installation, npm, args: ['ci', '--ignore-scripts=true'], withAuth: true });
    if (scripts.length > 0) {
      await npmStep({
        installation,
        npm,
        args: ['rebuild', '--ignore-scripts=false', ...scripts],
        withAuth: false,
      });
    }
  } finally {
    clearInterval(progress);
    await rm(npmrc, { force: true });
  }
  await flush(directory);
}

async function npmStep(options: {
  readonly installation: Installation;
  readonly npm: NpmCommand;
  readonly args: readonly string[];
  readonly withAuth: boolean;
}): Promise<void> {
  const { installation, npm, args, withAuth } = options;
  const { request, lock, directory, onNpm } = installation;
  const [command, ...rest] = args;
  const { code, said } = await runNpm({
    npm,
    args: [command!, ...FLAGS, ...rest],
    cwd: directory,
    env: npmEnvironment(request.env, { withAuth }),
    signal: request.signal,
    onStart: onNpm,
  });
  if (code === 0) return;
  throw npmFailure({
    command: `npm ${args.filter((arg) => !arg.startsWith('--ignore')).join(' ')}`,
    packages: describePackages(lock).text,
    code,
    said,
    secrets: authValues(request.env),
  });
}

/** The settings of a project here, for as long as npm runs: a link, so that no token is copied. */
async function useProjectSettings(project: string | undefined, npmrc: string): Promise<void> {
  const source = project === undefined ? undefined : join(project, '.npmrc');
  if (source === undefined || !existsSync(source)) return;
  await symlink(source, npmrc).catch(async () => copyFile(source, npmrc));
}

/** What npm gets and must not be shown: what differs between its two environments. */
function authValues(env: EnvironmentRequest['env']): string[] {
  const without = npmEnvironment(env, { withAuth: false });
  const withAuth = npmEnvironment(env, { withAuth: true });
  return Object.entries(withAuth).flatMap(([name, value]) => (name in without ? [] : value));
}

/**
 * Everything on the disk before it gets its name: after a power failure an environment is whole or not
 * there. One call for all files; where there is no such program, the next sync of the system has to do.
 */
async function flush(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const args = process.platform === 'linux' ? ['-f', directory] : [];
  await new Promise<void>((resolve) => {
    const child = spawn('sync', args, { stdio: 'ignore' });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
