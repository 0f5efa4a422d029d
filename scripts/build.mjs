// Builds both packages: JavaScript by esbuild (few files, so that a start-up reads little),
// declarations by tsc. `npm ci` runs it through `prepare`.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const withTypes = !process.argv.includes('--no-types');

const shared = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'neutral',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true } },
};

for (const dir of ['packages/core/dist', 'packages/runtime/dist']) {
  rmSync(`${root}/${dir}`, { recursive: true, force: true });
}

const rooms = ['model', 'references', 'graph', 'define', 'run-view', 'ports'];
await build({
  ...shared,
  entryPoints: [
    { in: 'packages/core/src/index.ts', out: 'index' },
    ...rooms.map((room) => ({ in: `packages/core/src/${room}/index.ts`, out: room })),
  ],
  outdir: 'packages/core/dist',
  packages: 'external',
});
await build({
  ...shared,
  platform: 'node',
  entryPoints: [
    { in: 'packages/runtime/src/index.ts', out: 'index' },
    { in: 'packages/runtime/src/cli/main.ts', out: 'cli' },
    { in: 'packages/runtime/src/workers/child.ts', out: 'worker' },
  ],
  outdir: 'packages/runtime/dist',
  packages: 'external',
});

if (withTypes) {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  const { status } = spawnSync(process.execPath, [tsc, '-b', 'packages/core', 'packages/runtime', '--force'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
