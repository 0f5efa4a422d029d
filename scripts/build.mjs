// Builds the packages: JavaScript by esbuild (few files, so that a start-up reads little), the web page by
// Vite (when something of it changed), declarations by tsc. `npm ci` runs it through `prepare`.
//
//   node scripts/build.mjs              everything
//   node scripts/build.mjs --no-types   JavaScript and the page alone
//
// Everything is built in memory first and only then written, file by file by rename: a build that fails
// leaves the old one, and a process that runs meanwhile never reads half a file.
import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from './build-page.mjs';
import { writeWhole } from './write-whole.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const withTypes = !process.argv.includes('--no-types');
const { version } = JSON.parse(await readFile(join(root, 'packages/runtime/package.json'), 'utf8'));
const rooms = ['model', 'references', 'graph', 'define', 'run-view', 'ports', 'wire'];

const targets = [
  {
    dist: 'packages/core/dist',
    platform: 'neutral',
    // reflect-metadata goes in: resolving and loading it as a package of its own costs five times more.
    inside: /^reflect-metadata/,
    entryPoints: [
      { in: 'packages/core/src/index.ts', out: 'index' },
      ...rooms.map((room) => ({ in: `packages/core/src/${room}/index.ts`, out: room })),
    ],
  },
  {
    dist: 'packages/runtime/dist',
    platform: 'node',
    // Core and the small ones go in for the same reason; core keeps its registries on globalThis, so that
    // a second copy (a user's own import of @run-pipeline/core) meets the same ones.
    inside: /^(?:@run-pipeline\/core|p-limit|yocto-queue|reflect-metadata)(?:\/|$)/,
    entryPoints: [
      { in: 'packages/runtime/src/index.ts', out: 'index' },
      { in: 'packages/runtime/src/cli/main.ts', out: 'cli' },
      { in: 'packages/runtime/src/workers/child.ts', out: 'worker' },
      { in: 'packages/runtime/src/workers/debug.ts', out: 'debug' },
      { in: 'packages/runtime/src/server/artifacts/page-thread.ts', out: 'artifact-thread' },
      { in: 'packages/runtime/src/server/actions/question-child.ts', out: 'question' },
      { in: 'packages/runtime/src/library/controller-child.ts', out: 'controller' },
      { in: 'packages/runtime/src/library/task-recorder.ts', out: 'recorder' },
    ],
  },
];

const coreSources = Object.fromEntries([
  ...rooms.map((room) => [`@run-pipeline/core/${room}`, join(root, `packages/core/src/${room}/index.ts`)]),
  ['@run-pipeline/core', join(root, 'packages/core/src/index.ts')],
]);

/** Every other package stays an import. */
function bundleOnly(inside) {
  return {
    name: 'bundle-only',
    setup(setup) {
      setup.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
        kind === 'entry-point' || inside.test(path) ? undefined : { path, external: true },
      );
    },
  };
}

async function buildJavaScript() {
  const results = await Promise.all(
    targets.map(({ dist, platform, inside, entryPoints }) =>
      build({
        absWorkingDir: root,
        entryPoints,
        outdir: dist,
        platform,
        bundle: true,
        splitting: true,
        write: false,
        format: 'esm',
        target: 'node20',
        plugins: [bundleOnly(inside)],
        alias: coreSources,
        legalComments: 'inline',
        minifyWhitespace: true,
        minifySyntax: true,
        // Node shows the line that threw an error which nobody caught: not one with all of the code in it.
        lineLimit: 160,
        logLevel: 'warning',
        define: { RUN_PIPELINE_VERSION: JSON.stringify(version) },
        tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true } },
      }),
    ),
  );
  for (const [index, { outputFiles }] of results.entries()) {
    const dist = join(root, targets[index].dist);
    // Chunks before the entries that import them (an entry's name has no hash), stale files last.
    const files = outputFiles.toSorted((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
    for (const file of files) await writeWhole(file.path, file.contents);
    await removeStale(dist, new Set(outputFiles.map(({ path }) => path)));
  }
}

const isEntry = (path) => !/-[0-9A-Z]{8}\.js(?:\.map)?$/.test(path);

/** Files of an earlier build, but neither the declarations nor the page. */
async function removeStale(dist, current) {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || current.has(path)) continue;
    if (/^(?:types|page\/)/.test(relative(dist, path)) || entry.name.endsWith('.tsbuildinfo')) continue;
    await rm(path, { force: true });
  }
}

function emitDeclarations() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-b', 'packages/core', 'packages/runtime', 'packages/ui'], {
    cwd: root,
    stdio: 'inherit',
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => done(code ?? 1));
  });
}

/**
 * The declarations again, for `require` in CommonJS files: TypeScript goes by the nearest package.json,
 * and `module: node16` refuses those of an ES module there, though Node loads it. Only what the entries
 * reach.
 */
async function copyDeclarations(dist) {
  const from = join(root, dist, 'types');
  const to = join(root, dist, 'types-require');
  await rm(to, { recursive: true, force: true });
  await writeWhole(join(to, 'package.json'), Buffer.from('{ "type": "commonjs" }\n'));
  const entries = Object.values(
    JSON.parse(await readFile(join(root, dist, '../package.json'), 'utf8')).exports,
  )
    .flatMap((entry) => entry.types?.default ?? [])
    .map((path) => join(root, dist, '..', path));
  const seen = new Set(entries);
  for (const path of seen) {
    const text = (await readFile(path, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '');
    await writeWhole(join(to, relative(from, path)), Buffer.from(text));
    for (const [, specifier] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g))
      seen.add(join(dirname(path), `${specifier}.d.ts`));
  }
}

const [, , status] = await Promise.all([buildJavaScript(), buildPage(), withTypes ? emitDeclarations() : 0]);
if (withTypes && status === 0) for (const { dist } of targets) await copyDeclarations(dist);
process.exitCode = status;
