import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chain } from '../pipelines.mjs';
import { project, repeat, repository, runPipeline, wholeProcess } from '../measure.mjs';

/** The same chain of 100 trivial steps with two build tools that cache: cold, and fully cached. */
export async function* peers({ wanted }) {
  const name = 'peers: 100 trivial steps';
  if (!wanted(name)) return;
  const here = project({ 'pipe.ts': chain(100) });
  const run = () => runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory });
  const cold = await repeat(3, run, () => here.forget());
  const cached = await repeat(5, run);
  here.remove();
  yield {
    name: `${name}, run-pipeline`,
    measured: cached,
    unit: 'ms',
    compared: `cached; cold ${cold.toFixed(0)} ms`,
  };
  for (const tool of [wireit, turbo]) {
    const found = tool();
    if (found === undefined) continue;
    try {
      const coldMs = await repeat(1, found.run, found.forget);
      const cachedMs = await repeat(3, found.run);
      yield {
        name: `${name}, ${found.name}`,
        measured: cachedMs,
        unit: 'ms',
        compared: `cached (${(cachedMs / cached).toFixed(1)} x ours); cold ${coldMs.toFixed(0)} ms (${(coldMs / cold).toFixed(1)} x ours)`,
      };
    } finally {
      found.remove();
    }
  }
}

/** Installed when first measured, beside the bench: nobody else needs them. */
function installed(path) {
  const directory = join(repository, 'bench/.peers');
  const file = join(directory, 'node_modules', path);
  if (existsSync(file)) return file;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{ "private": true }');
  const npm = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-save', 'wireit@0.14', 'turbo@2'],
    {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (npm.status === 0 && existsSync(file)) return file;
  console.log(`   peers: ${path.split('/')[0]} could not be installed, and is left out`);
  return undefined;
}

const SCRIPT = 'node step.mjs';
const STEP = "import{writeFileSync}from'node:fs';writeFileSync(process.argv[2],'1')";

function wireit() {
  const binary = installed('wireit/bin/wireit.js');
  if (binary === undefined) return undefined;
  const scripts = {};
  const tasks = {};
  for (let i = 0; i < 100; i++) {
    scripts[`s${i}`] = 'wireit';
    tasks[`s${i}`] = {
      command: `${SCRIPT} out${i}.txt`,
      files: ['step.mjs'],
      output: [`out${i}.txt`],
      ...(i === 0 ? {} : { dependencies: [`s${i - 1}`] }),
    };
  }
  const manifest = { name: 'peer', version: '1.0.0', type: 'module', scripts, wireit: tasks };
  const here = project({ 'package.json': JSON.stringify(manifest), 'step.mjs': STEP });
  const env = {
    ...process.env,
    npm_lifecycle_event: 's99',
    npm_package_json: join(here.directory, 'package.json'),
    WIREIT_LOGGER: 'quiet',
  };
  return {
    name: 'wireit',
    run: () => wholeProcess(process.execPath, [binary], { cwd: here.directory, env }),
    forget: () => rmSync(join(here.directory, '.wireit'), { recursive: true, force: true }),
    remove: here.remove,
  };
}

function turbo() {
  const binary = installed('.bin/turbo');
  if (binary === undefined) return undefined;
  const here = project({
    'package.json': JSON.stringify({
      name: 'peer',
      version: '1.0.0',
      packageManager: 'npm@10.0.0',
      workspaces: ['p/*'],
    }),
    'package-lock.json': JSON.stringify({ name: 'peer', version: '1.0.0', lockfileVersion: 3, packages: {} }),
    'turbo.json': JSON.stringify({ tasks: { build: { dependsOn: ['^build'], outputs: ['out.txt'] } } }),
  });
  for (let i = 0; i < 100; i++) {
    const directory = join(here.directory, 'p', `s${i}`);
    mkdirSync(directory, { recursive: true });
    const dependencies = i === 0 ? {} : { [`s${i - 1}`]: '1.0.0' };
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({
        name: `s${i}`,
        version: '1.0.0',
        type: 'module',
        dependencies,
        scripts: { build: `${SCRIPT} out.txt` },
      }),
    );
    writeFileSync(join(directory, 'step.mjs'), STEP);
  }
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  return {
    name: 'turbo',
    run: () =>
      wholeProcess(binary, ['run', 'build', '--no-daemon', '--output-logs=none', '--no-update-notifier'], {
        cwd: here.directory,
        env,
      }),
    forget: () => rmSync(join(here.directory, '.turbo'), { recursive: true, force: true }),
    remove: here.remove,
  };
}
