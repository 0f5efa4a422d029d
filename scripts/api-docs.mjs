// Writes docs/api/*.md from the docstrings of the public names. `--check` writes nothing and fails when a page
// differs. The pages are made from the declarations that tsc emits: it keeps the docstrings, gives every export its
// full type and leaves the bodies out, so that reading them line by line is enough (TypeScript 7 has no API for more).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = join(root, 'docs/api');

/** Shorter than the headings of core's `index.ts`. */
const TITLES = { 'Values and options that all of them share': 'Values and options' };

/** What the runtime adds to core's names, by the module it comes from. */
const RUNTIME_GROUPS = {
  './artifacts/index.js': 'Artifacts',
  './task/index.js': 'Inside a step',
  './tasks/index.js': 'Tasks',
  './library/storage-manager.js': 'Storage',
  './storage/index.js': 'Storage',
};

emitDeclarations();
const groups = publicNames();
const written = new Map();
for (const [title, names] of groups) written.set(`${fileName(title)}.md`, await format(page(title, names)));
written.set('README.md', await format(overview(groups)));

const stale = existsSync(pages) ? readdirSync(pages).filter((name) => !written.has(name)) : [];
const differing = [...written]
  .filter(([name, text]) => read(join(pages, name)) !== text)
  .map(([name]) => name);
if (!process.argv.includes('--check')) {
  mkdirSync(pages, { recursive: true });
  for (const name of differing) writeFileSync(join(pages, name), written.get(name));
  for (const name of stale) rmSync(join(pages, name));
  console.log(`docs/api: ${written.size} pages, ${differing.length + stale.length} changed`);
} else if (differing.length + stale.length > 0) {
  console.error(`docs/api is not up to date: ${[...differing, ...stale].join(', ')}\nnpm run docs writes it`);
  process.exitCode = 1;
}

function emitDeclarations() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, error } = spawnSync(process.execPath, [tsc, '-b', 'packages/core', 'packages/runtime'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Heading -> its names, in the order of the two `index.ts`. */
function publicNames() {
  const found = new Map();
  const add = (title, names) => found.set(title, [...(found.get(title) ?? []), ...names]);
  let title;
  const source = readFileSync(join(root, 'packages/core/src/index.ts'), 'utf8');
  for (const [, heading, list, from] of source.matchAll(
    /^\/\/ (.+)$|^export (?:type )?\{([^}]*)\} from '([^']+)';/gm,
  )) {
    if (heading !== undefined) title = TITLES[heading] ?? heading;
    else add(title, exportedNames(list, join(root, 'packages/core/dist/types'), from));
  }
  const runtime = readFileSync(join(root, 'packages/runtime/src/index.ts'), 'utf8');
  for (const [, list, from] of runtime.matchAll(/^export (?:type )?\{([^}]*)\} from '(\.[^']+)';/gm)) {
    if (RUNTIME_GROUPS[from] === undefined) throw new Error(`scripts/api-docs.mjs has no group for ${from}`);
    add(RUNTIME_GROUPS[from], exportedNames(list, join(root, 'packages/runtime/dist/types'), from));
  }
  return found;
}

function exportedNames(list, directory, from) {
  const file = resolve(directory, from.replace(/\.js$/, '.d.ts'));
  return words(list).map((word) => {
    const name = word.replace(/^type /, '');
    return { name, ...find(name, file) };
  });
}

function words(list) {
  const trimmed = list.split(',').map((word) => word.trim());
  return trimmed.filter((word) => word !== '');
}

/** Where a name is declared, through re-exports. */
function find(name, file) {
  const { declarations, exports } = declarationsOf(file);
  const found = declarations.get(name);
  if (found !== undefined) return found;
  for (const { names, from } of exports) {
    if (names !== undefined && !names.includes(name)) continue;
    const target = resolve(dirname(file), from.replace(/\.js$/, '.d.ts'));
    if (!from.startsWith('.') || !existsSync(target)) continue;
    const there = find(name, target);
    if (there !== undefined) return there;
  }
  return undefined;
}

/** The top-level declarations of one file: a line at the left margin begins one, indented lines belong to it. */
function declarationsOf(file) {
  const declarations = new Map();
  const exports = [];
  let doc;
  let current;
  const close = () => {
    if (current === undefined) return;
    const text = current.lines.join('\n');
    const name =
      /^(?:export )?(?:declare )?(?:abstract )?(?:function|class|const|interface|type) ([\w$]+)/.exec(
        text,
      )?.[1];
    const reexport = /^export (?:type )?(?:\*|\{([^}]*)\}) from '([^']+)';/.exec(text);
    if (reexport !== null) {
      const names =
        reexport[1] === undefined ? undefined : words(reexport[1]).map((word) => word.replace(/^type /, ''));
      exports.push({ names, from: reexport[2] });
    } else if (name !== undefined) {
      // Overloads follow each other; the first one has the docstring.
      const known = declarations.get(name);
      if (known === undefined) declarations.set(name, { doc: current.doc, code: [text] });
      else known.code.push(text);
    }
    current = undefined;
  };
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (doc?.open === true) {
      doc.lines.push(line);
      doc.open = !line.includes('*/');
    } else if (line.startsWith('/**')) {
      close();
      doc = { lines: [line], open: !line.includes('*/') };
    } else if (/^(export|declare|interface|type|import|abstract)\b/.test(line)) {
      close();
      current = { doc: docText(doc?.lines), lines: [line] };
      doc = undefined;
    } else if (line.startsWith('//')) close();
    else current?.lines.push(line);
  }
  close();
  return { declarations, exports };
}

/** The text of a docstring, without its stars. */
function docText(lines) {
  if (lines === undefined) return '';
  const text = lines.map((line) =>
    line
      .replace(/^\s*\/\*\*\s?/, '')
      .replace(/\s*\*\/\s*$/, '')
      .replace(/^\s*\* ?/, ''),
  );
  return text.join('\n').trim();
}

function overview(groups) {
  const lines = [
    '# API',
    '',
    'Every name that `run-pipeline` exports. Made from the docstrings by `npm run docs`; edit those, not these pages.',
  ];
  for (const [title, names] of groups) {
    lines.push('', `## [${title}](${fileName(title)}.md)`, '');
    const anchors = new Map();
    for (const { name, doc } of names) {
      const link = `${fileName(title)}.md#${anchor(name, anchors)}`;
      const said = summary(doc);
      lines.push(`- [\`${name}\`](${link})${said === '' ? '' : `: ${said}`}`);
    }
  }
  return lines.join('\n');
}

function page(title, names) {
  const lines = [`# ${title}`, '', '[All names](README.md)'];
  for (const { name, doc, code } of names) {
    if (code === undefined) throw new Error(`${name} is exported, and declared nowhere`);
    lines.push(
      '',
      `## ${name}`,
      '',
      ...description(doc),
      '',
      '```typescript',
      ...signature(code),
      '```',
      ...examples(doc),
    );
  }
  return lines.join('\n');
}

/** Up to the first tag; parameters and errors as a list. */
function description(doc) {
  const { text, tags } = splitDoc(doc);
  const lines = text === '' ? [] : [text];
  const items = tags.flatMap(({ tag, body }) => {
    const [, first = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(body) ?? [];
    switch (tag) {
      case 'param':
      case 'typeParam':
        return [`- \`${first}\`: ${oneLine(rest.replace(/^- /, ''))}`];
      case 'returns':
        return [`- Returns ${oneLine(body)}`];
      case 'throws':
        return [`- Throws ${oneLine(body)}`];
      default:
        return [];
    }
  });
  return items.length === 0 ? lines : [...lines, '', ...items];
}

function examples(doc) {
  return splitDoc(doc).tags.flatMap(({ tag, body }) => (tag === 'example' ? ['', body] : []));
}

/** Tags begin a line; code blocks may hold decorators, which are none. */
function splitDoc(doc) {
  const tags = [];
  const text = [];
  let fenced = false;
  for (const line of doc.split('\n')) {
    const tag = fenced ? null : /^@(\w+)\s*(.*)$/.exec(line);
    if (tag !== null) tags.push({ tag: tag[1], body: tag[2] });
    else if (tags.length === 0) text.push(line);
    else tags.at(-1).body += `\n${line}`;
    if (line.startsWith('```')) fenced = !fenced;
  }
  return { text: text.join('\n').trim(), tags: tags.map(({ tag, body }) => ({ tag, body: body.trim() })) };
}

/** The declaration without `export declare` and what is private. */
function signature(code) {
  return code.flatMap((text) =>
    text
      .replace(/^export (declare )?/, '')
      .split('\n')
      .filter((line) => !/^\s+(#private|private\b)/.test(line)),
  );
}

function summary(doc) {
  const [first = ''] = splitDoc(doc).text.split(/\n\s*\n/);
  return oneLine(first)
    .replace(/(?<=[a-z`)’”]{2}\.)\s.*$/, '')
    .replace(/[.:]$/, '');
}

function oneLine(text) {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** As GitHub makes them: `run` and `Run` on one page are `run` and `run-1`. */
function anchor(name, taken) {
  const base = name.toLowerCase();
  const count = taken.get(base) ?? 0;
  taken.set(base, count + 1);
  return count === 0 ? base : `${base}-${count}`;
}

function fileName(title) {
  return title.toLowerCase().replace(/[^a-z]+/g, '-');
}

async function format(text) {
  const options = await prettier.resolveConfig(join(pages, 'README.md'));
  return prettier.format(text, { ...options, parser: 'markdown' });
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
