// The web page (packages/ui), built by Vite into packages/runtime/dist/page. Built again only when one of
// its inputs changed. Fails when it outgrows its budget: what a browser loads first, and all of it.
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { writeWhole } from './write-whole.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'packages/runtime/dist/page');
/** Outside of what is shipped. */
const mark = join(root, 'packages/ui/dist/built-from');
const KB = 1024;
const BUDGET = { initial: 130 * KB, all: 200 * KB };

export async function buildPage() {
  const inputs = await hashInputs();
  const [built, there] = await Promise.all([
    readFile(mark, 'utf8').catch(() => ''),
    stat(join(out, 'index.html')).catch(() => undefined),
  ]);
  if (built === inputs && there !== undefined) return;
  const { build } = await import('vite');
  const { output } = await build({
    configFile: join(root, 'packages/ui/vite.config.mjs'),
    logLevel: 'warn',
    build: { write: false },
  });
  checkBudget(output);
  // index.html last: until then the old one finds its files.
  const files = output.toSorted((a, b) => Number(isHtml(a)) - Number(isHtml(b)));
  for (const file of files) await writeWhole(join(out, file.fileName), contentsOf(file));
  const current = new Set(files.map(({ fileName }) => join(out, fileName)));
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !current.has(path)) await rm(path, { force: true });
  }
  await writeWhole(mark, Buffer.from(inputs));
}

const isHtml = ({ fileName }) => fileName.endsWith('.html');
const contentsOf = (file) => Buffer.from(file.type === 'chunk' ? file.code : file.source);

/** Sources of the page and of core, the versions of what is bundled, and how it is built. */
async function hashInputs() {
  const hash = createHash('sha256')
    .update('page 1\n')
    .update(await readFile(join(root, 'package-lock.json')));
  const files = ['scripts/build-page.mjs'];
  for (const folder of ['packages/ui', 'packages/core/src'])
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)));
  for (const file of files.toSorted()) {
    if (/^packages\/ui\/(?:dist|node_modules)\//.test(file) || /\.test\.tsx?$/.test(file)) continue;
    hash.update(`${file}\n`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex');
}

function checkBudget(output) {
  const sizes = new Map(output.map((file) => [file.fileName, gzipSync(contentsOf(file)).length]));
  const byName = new Map(output.map((file) => [file.fileName, file]));
  const initial = new Set(output.filter(isHtml).map(({ fileName }) => fileName));
  for (const file of output) if (file.type === 'chunk' && file.isEntry) initial.add(file.fileName);
  for (const name of initial) {
    const file = byName.get(name);
    for (const next of file?.imports ?? []) initial.add(next);
    for (const next of file?.viteMetadata?.importedCss ?? []) initial.add(next);
  }
  const sum = (names) => [...names].reduce((total, name) => total + (sizes.get(name) ?? 0), 0);
  const found = { initial: sum(initial), all: sum(sizes.keys()) };
  const shown = Object.entries(found).map(([kind, size]) => {
    return `${kind} ${(size / KB).toFixed(1)} of ${BUDGET[kind] / KB} KB`;
  });
  console.log(`page: ${shown.join(', ')} (gzip)`);
  for (const [kind, size] of Object.entries(found)) {
    if (size <= BUDGET[kind]) continue;
    const largest = [...sizes].toSorted(([, a], [, b]) => b - a).slice(0, 8);
    throw new Error(
      `the page is larger than its budget (${kind}): ${largest.map(([name, bytes]) => `${name} ${(bytes / KB).toFixed(1)} KB`).join(', ')}`,
    );
  }
}
