import { extname } from 'node:path';
import { contentHash } from '../project/read-set.js';
import { MODULE_PLACEHOLDER } from './placeholder.js';

/** Imports that stand for what Node tells a module of itself; the file's path follows. */
export const MODULE_SCHEME = 'run-pipeline-module:';
/** What the entry imports last, so that its exports are known before its own code runs. */
export const EXPORTS_SPECIFIER = 'run-pipeline-exports';

/** What esbuild makes of the names that tell a module of itself. */
export const MODULE_NAMES: Readonly<Record<string, string>> = {
  'import.meta': '__rp_module',
  'require.resolve': '__rp_module.require.resolve',
  'require.cache': '__rp_module.require.cache',
  'require.main': '__rp_module.require.main',
  __dirname: '__rp_module.dirname',
  __filename: '__rp_module.filename',
};

/**
 * Binds `import.meta`, `__dirname` and `require.resolve` (which `define` turns into `__rp_module`) to
 * the original file. ESM: by an import at the end, which is hoisted and moves no line. CommonJS: in
 * front of the first line.
 */
export function withModuleFacts(file: string, contents: string, isEntry: boolean): string {
  const used = /import\.meta|import\s*\.\s*meta|__dirname|__filename|\brequire\b/.test(contents);
  const specifier = JSON.stringify(MODULE_SCHEME + file);
  if (!isEsm(file, contents)) {
    if (!used) return contents;
    const strict = /^\s*(['"])use strict\1;?/.exec(contents)?.[0] ?? '';
    const shebang = contents.startsWith('#!') ? '//' : '';
    return shebang === ''
      ? `${strict}var __rp_module=require(${specifier}).module;${contents.slice(strict.length)}`
      : contents.replace(/^#![^\n]*/, `var __rp_module=require(${specifier}).module;`);
  }
  return (
    contents +
    (used ? `\nimport { module as __rp_module } from ${specifier};` : '') +
    (isEntry ? `\nimport ${JSON.stringify(EXPORTS_SPECIFIER)};` : '')
  );
}

/** As esbuild decides it: by the syntax, unless the extension does. */
function isEsm(file: string, contents: string): boolean {
  const extension = extname(file);
  if (extension === '.mts' || extension === '.mjs') return true;
  if (extension === '.cts' || extension === '.cjs')
    return /^\s*(?:import\b(?!\s*\()|export\b)/m.test(contents) && extension === '.cts';
  return (
    /(?:^|[;}*/])\s*(?:import\s*["'{*\w$]|export\s*[{*\w])|import\s*\.\s*meta|^\s*(?:\}\s*)?await\b/m.test(
      contents,
    ) || !/\b(?:module\s*\.\s*exports|exports\s*\.|require\s*\()/.test(contents)
  );
}

/** Names a module in a bundle. */
export const moduleId = (file: string): string => contentHash(`module\0${file}`).slice(0, 16);

/** What Node gives a module, for the original file: its path is put in where the bundle is evaluated. */
export function moduleFacts(file: string): string {
  return [
    `import { createRequire } from 'node:module';`,
    `import { dirname } from 'node:path';`,
    `import { pathToFileURL } from 'node:url';`,
    `const filename = ${JSON.stringify(MODULE_PLACEHOLDER + moduleId(file))};`,
    `const { href: url } = pathToFileURL(filename);`,
    `const require = createRequire(url);`,
    `export const module = {`,
    `  url,`,
    `  filename,`,
    `  dirname: dirname(filename),`,
    `  main: false,`,
    `  resolve: (specifier) => /^(?:\\.{0,2}\\/|file:)/.test(specifier) ? new URL(specifier, url).href`,
    `    : /^node:/.test(specifier) ? specifier : pathToFileURL(require.resolve(specifier)).href,`,
    `  require,`,
    `};`,
  ].join('\n');
}
