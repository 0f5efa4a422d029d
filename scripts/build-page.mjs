// The web page (packages/ui) and the template of reports, built by Vite into packages/runtime/dist/page. Built
// again only when one of their inputs changed. Fails when one outgrows its budget: of the page what a browser
// loads first, and all of it; of the template the one file that it is.
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
const REPORT_BUDGET = 300 * KB;

export async function buildPage() {
  const inputs = await hashInputs();
  const [built, ...there] = await Promise.all([
    readFile(mark, 'utf8').catch(() => ''),
    ...['index.html', 'report.html'].map((name) => stat(join(out, name)).catch(() => undefined)),
  ]);
  if (built === inputs && !there.includes(undefined)) return;
  const { build } = await import('vite');
  const { output } = await build({
    configFile: join(root, 'packages/ui/vite.config.mjs'),
    logLevel: 'warn',
    build: { write: false },
  });
  checkBudget(output);
  output.push({ type: 'asset', fileName: 'report.html', source: await buildReport(build) });
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

/** One file that asks nobody: its script and its styles are in it, and its policy allows nothing else. */
async function buildReport(build) {
  const { output } = await build({
    configFile: join(root, 'packages/ui/vite.config.mjs'),
    logLevel: 'warn',
    build: {
      write: false,
      cssCodeSplit: false,
      rollupOptions: {
        input: join(root, 'packages/ui/report.html'),
        output: { inlineDynamicImports: true, experimentalMinChunkSize: 0 },
      },
    },
  });
  const only = (what, fits) => {
    const found = output.filter(fits);
    if (found.length === 1) return contentsOf(found[0]).toString();
    throw new Error(`the report is made of one ${what}, not of ${found.map(({ fileName }) => fileName)}`);
  };
  const html = only('page', isHtml);
  const css = only('style sheet', ({ fileName }) => fileName.endsWith('.css'));
  // Nothing in the script may end its element, nor open a comment in it.
  const js = only('script', ({ type }) => type === 'chunk')
    .trim()
    .replaceAll('</script', String.raw`<\/script`)
    .replaceAll('<!--', String.raw`\x3c!--`);
  if (output.length !== 3) throw new Error('the report is more than a page, a script and a style sheet');
  if (/<\/style/i.test(css)) throw new Error('a style of the report ends its element');
  const hash = createHash('sha256').update(js).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  const whole = html
    .replace(/\s*<script [^>]*src=[^>]*><\/script>/, '')
    .replace(/\s*<link rel="stylesheet"[^>]*>/, '')
    .replace(
      '<meta charset="utf-8" />',
      (tag) => `${tag}\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    )
    .replace('</head>', () => `<style>${css.trim()}</style>\n  </head>`)
    .replace('</body>', () => `<script type="module">${js}</script>\n  </body>`);
  for (const part of [policy, css.trim(), js, '<!--report-data-->'])
    if (whole.split(part).length !== 2) throw new Error('the report was not put together as it should be');
  const size = gzipSync(whole, { level: 9 }).length;
  console.log(`report: ${(size / KB).toFixed(1)} of ${REPORT_BUDGET / KB} KB (gzip)`);
  if (size > REPORT_BUDGET) throw new Error('the template of reports is larger than its budget');
  return whole;
}

const isHtml = ({ fileName }) => fileName.endsWith('.html');
const contentsOf = (file) => Buffer.from(file.type === 'chunk' ? file.code : file.source);

/** Sources of the page and of core, the versions of what is bundled, and how it is built. */
async function hashInputs() {
  const hash = createHash('sha256')
    .update('page 2\n')
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
  const sizes = new Map(
    output.map((file) => [file.fileName, gzipSync(contentsOf(file), { level: 9 }).length]),
  );
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
