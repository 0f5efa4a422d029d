import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { ProjectState } from './project.js';

/** Per step and return, the value as superjson's text. */
export type Values = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What every step of a pipeline returns when its file is simply executed. */
export type Truth =
  { readonly ok: true; readonly steps: Values } | { readonly ok: false; readonly error: string };

/**
 * Executes a pipeline without run-pipeline: the file is bundled whole, its decorators and controllers
 * only note what is declared (`framework.mjs`), and every step is called in the order in which it is
 * written, on the values of those before. Nothing here knows of slices, packages or caches.
 *
 * @param options.out where the bundle goes: outside of the project, which must not notice
 * @returns per step and return, the value as superjson's text
 */
export async function truth(options: {
  readonly directory: string;
  readonly file: string;
  readonly out: string;
  readonly state: Pick<ProjectState, 'environment' | 'parameters'>;
}): Promise<Truth> {
  const { directory, file, out, state } = options;
  try {
    await build({
      entryPoints: [join(directory, file)],
      outfile: out,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      mainFields: ['main'],
      conditions: [],
      logLevel: 'silent',
      banner: {
        js: "import { createRequire as __truthRequire } from 'node:module'; const require = __truthRequire(import.meta.url);",
      },
      plugins: [framework, placesOfModules],
    });
  } catch (error) {
    return { ok: false, error: String(error) };
  }
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('truth-child.mjs', import.meta.url)), out, JSON.stringify(state.parameters)],
    {
      cwd: directory,
      env: { PATH: process.env['PATH'], ...state.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ ok: true, steps: JSON.parse(stdout) as never });
      else resolve({ ok: false, error: stderr });
    });
  });
}

const framework: Plugin = {
  name: 'framework',
  setup(context) {
    const path = fileURLToPath(new URL('framework.mjs', import.meta.url));
    context.onResolve({ filter: /^run-pipeline$/ }, () => ({ path }));
  },
};

/** `import.meta.url` is the module's own, not the bundle's. */
const placesOfModules: Plugin = {
  name: 'places-of-modules',
  setup(context) {
    context.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      return {
        contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
        loader: path.endsWith('ts') ? 'ts' : 'js',
      };
    });
  },
};
