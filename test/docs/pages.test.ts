import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { node } from '../rig/command.js';
import { repository } from '../rig/scratch.js';
import { anchors, pages, prose, type Page } from './markdown.js';

test('every relative link leads to a file, and its anchor to a heading', () => {
  const all = pages();
  const byPath = new Map(all.map((page) => [page.path, page]));
  const broken: string[] = [];
  let checked = 0;
  for (const page of all) {
    for (const target of linksOf(page)) {
      if (/^[a-z]+:/.test(target)) continue;
      checked += 1;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page.path : relative('.', join(dirname(page.path), path));
      const absolute = join(repository, file);
      const found = existsSync(absolute) && (anchor === undefined || statSync(absolute).isFile());
      const headings = byPath.get(file);
      if (!found || (anchor !== undefined && headings !== undefined && !anchors(headings).has(anchor))) {
        broken.push(`${page.path}: ${target}`);
      }
    }
  }
  expect(broken).toEqual([]);
  expect(checked).toBeGreaterThan(80);
});

const linksOf = (page: Page): readonly string[] =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);

test('the API pages are those of the docstrings', async () => {
  const { code, stderr } = await node(['scripts/api-docs.mjs', '--check'], { cwd: repository });
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('every dependency has its reason, and nothing else has one', () => {
  const { text } = pages().find(({ path }) => path === 'docs/dependencies.md')!;
  const sections = text.split(/^## /m).slice(1);
  const explained = (heading: string): readonly string[] => {
    const section = sections.find((candidate) => candidate.startsWith(heading))!;
    return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name!).sort();
  };
  const declared = (path: string, key: 'dependencies' | 'devDependencies'): readonly string[] => {
    const manifest = JSON.parse(readFileSync(join(repository, path), 'utf8')) as Partial<
      Record<typeof key, Readonly<Record<string, string>>>
    >;
    return Object.keys(manifest[key] ?? {}).sort();
  };
  expect(explained('`@run-pipeline/core`')).toEqual(declared('packages/core/package.json', 'dependencies'));
  expect(explained('`run-pipeline`')).toEqual(declared('packages/runtime/package.json', 'dependencies'));
  expect(explained('Development')).toEqual(declared('package.json', 'devDependencies'));
  expect(explained('The page')).toEqual(declared('packages/ui/package.json', 'devDependencies'));
  expect(explained('Tests')).toEqual(
    [
      ...declared('test/package.json', 'dependencies'),
      ...declared('test/package.json', 'devDependencies'),
    ].sort(),
  );
  expect(explained('Examples')).toEqual(declared('examples/package.json', 'dependencies'));
});

test('the crash points of the code are those of CONTRIBUTING.md', async () => {
  const { text } = pages().find(({ path }) => path === 'CONTRIBUTING.md')!;
  const table = text.slice(text.indexOf('## Crash points'));
  const listed = [...table.matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name!).sort();
  const { stdout } = await node(
    [
      '-e',
      `const { readdirSync, readFileSync } = require('node:fs');
       for (const name of readdirSync('packages/runtime/src', { recursive: true })) {
         if (!/(?<!test)\\.ts$/.test(name)) continue;
         for (const [, point] of readFileSync('packages/runtime/src/' + name, 'utf8').matchAll(/crashPoint\\('([\\w-]+)'\\)/g)) console.log(point);
       }`,
    ],
    { cwd: repository },
  );
  expect([...new Set(stdout.trim().split('\n'))].sort()).toEqual(listed);
});

test('every file that the architecture names exists', () => {
  const { text } = pages().find(({ path }) => path === 'docs/architecture.md')!;
  const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:ts|mjs))`/g)].map(([, path]) => path!);
  const places = ['packages/runtime/src', 'packages/core/src', 'packages', '.'];
  const exists = (path: string): boolean =>
    places.some((place) => existsSync(join(repository, place, path.replace(/^(core|runtime)\//, '$1/src/'))));
  expect(named.filter((path) => !exists(path))).toEqual([]);
  expect(named.length).toBeGreaterThan(20);
});

test('the table of rooms has every room', () => {
  const { text } = pages().find(({ path }) => path === 'docs/architecture.md')!;
  const listed = [...text.matchAll(/^\| `((?:core|runtime)\/[\w-]+)`/gm)].map(([, room]) => room!);
  const rooms = ['core', 'runtime'].flatMap((name) =>
    readdirSync(join(repository, 'packages', name, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${name}/${entry.name}`),
  );
  expect(listed.sort()).toEqual(rooms.sort());
});
