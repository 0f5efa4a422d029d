import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '@run-pipeline/core/model';
import type { LoadedFile } from '../discover/discovery.js';
import type { ProjectPaths } from '../project/project.js';

const MOST_MILLISECONDS = 120_000;

/**
 * The types of a pipeline's files, by the project's own `tsc` and under its own tsconfig; nothing when the project
 * has no TypeScript. A configuration of ours extends the project's, so that exactly the pipeline and what it imports
 * is looked at.
 */
export async function checkTypes(options: {
  readonly paths: ProjectPaths;
  readonly loaded: LoadedFile;
}): Promise<{ readonly diagnostics: readonly Diagnostic[]; readonly note: string | undefined }> {
  const { paths, loaded } = options;
  if (!/\.[mc]?tsx?$/.test(loaded.file)) return { diagnostics: [], note: undefined };
  const tsc = findTypeScript(loaded.file);
  if (tsc === undefined)
    return { diagnostics: [], note: 'types were not checked: the project has no typescript' };
  const config = join(paths.home, 'tmp', `tsconfig-${process.pid}.json`);
  await mkdir(dirname(config), { recursive: true });
  await writeFile(config, JSON.stringify(configuration(loaded.file)));
  try {
    const { code, output } = await runTsc(tsc, config, paths.cwd);
    const diagnostics = parseOutput(output, paths.cwd, config);
    if (code !== 0 && diagnostics.length === 0) {
      return {
        diagnostics,
        note: `types were not checked: tsc ended with ${code}: ${output.trim().split('\n')[0] ?? ''}`,
      };
    }
    return { diagnostics, note: undefined };
  } finally {
    await rm(config, { force: true });
  }
}

function findTypeScript(file: string): string | undefined {
  try {
    const manifest = createRequire(file).resolve('typescript/package.json');
    const tsc = join(dirname(manifest), 'bin', 'tsc');
    return existsSync(tsc) ? tsc : undefined;
  } catch {
    return undefined;
  }
}

function configuration(file: string): object {
  const above = [...directoriesAbove(file)];
  const own = above.map((directory) => join(directory, 'tsconfig.json')).find((path) => existsSync(path));
  const declarations = dirname(own ?? file);
  const shared = {
    noEmit: true,
    composite: false,
    incremental: false,
    emitDeclarationOnly: false,
    skipLibCheck: true,
    // Ours lies elsewhere: packages of types are still looked for beside the user's file.
    typeRoots: above
      .map((directory) => join(directory, 'node_modules', '@types'))
      .filter((path) => existsSync(path)),
  };
  const defaults = {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    types: ['*'],
  };
  return {
    ...(own === undefined ? {} : { extends: own }),
    files: [file],
    // What a project declares for packages without types applies to all of its files.
    include: [`${declarations}/**/*.d.ts`, `${declarations}/**/*.d.mts`, `${declarations}/**/*.d.cts`],
    exclude: ['node_modules', 'dist', 'build', 'coverage', '.run-pipeline'].map(
      (name) => `${declarations}/**/${name}`,
    ),
    references: [],
    compilerOptions: own === undefined ? { ...defaults, ...shared } : shared,
  };
}

function* directoriesAbove(file: string): Generator<string> {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    yield directory;
    if (dirname(directory) === directory) return;
  }
}

function runTsc(
  tsc: string,
  config: string,
  cwd: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [tsc, '-p', config, '--pretty', 'false'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MOST_MILLISECONDS,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', (error) => done({ code: -1, output: error.message }));
    child.once('close', (code) => done({ code, output }));
  });
}

/** `pipe.ts(5,16): error TS2345: Argument of type …`, and its indented continuation lines. */
export function parseOutput(output: string, cwd: string, config: string): readonly Diagnostic[] {
  const found: { code: string; message: string; at: { file: string; line: number; column: number } }[] = [];
  for (const line of output.split(/\r?\n/)) {
    const match = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(line);
    if (match !== null) {
      const file = resolve(cwd, match[1]!);
      if (file === config) continue;
      found.push({
        code: match[4]!.toLowerCase(),
        message: match[5]!,
        at: { file, line: Number(match[2]), column: Number(match[3]) },
      });
    } else if (/^\s+\S/.test(line) && found.length > 0) {
      found.at(-1)!.message += `\n${line.trimEnd()}`;
    }
  }
  return found.map((item) => ({ ...item, severity: 'error' }));
}
