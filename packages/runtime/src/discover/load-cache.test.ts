import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { bundleSource } from './bundle-source.js';
import { bundleFile } from './load.js';
import { builtFramework, scratchProject, type ScratchProject } from './scratch-project.test-support.js';

// The rule: whatever changes what esbuild would make of the file is noticed. Each change is made to a
// project whose file was loaded, and what is taken from the cache is compared with what a fresh build
// gives; the build must differ, or the case tests nothing.

const PACKAGE = {
  'node_modules/lib/package.json': '{"name":"lib","main":"index.js"}',
  'node_modules/lib/index.js': 'exports.a = 1;',
};

interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly change: (project: ScratchProject) => void;
}

const CASES: Readonly<Record<string, Case>> = {
  'a helper of a helper is edited': {
    files: { 'pipe.ts': "import './a';", 'a.ts': "import './b';", 'b.ts': 'console.log(1);' },
    change: (project) => project.write({ 'b.ts': 'console.log(2);' }),
  },
  'a .ts file comes that goes before the .js one': {
    files: { 'pipe.ts': "import './a';", 'a.js': 'console.log(1);' },
    change: (project) => project.write({ 'a.ts': 'console.log(2);' }),
  },
  'a .ts file comes that goes before an explicit .js one': {
    files: { 'pipe.ts': "import './a.mjs';", 'a.mjs': 'console.log(1);' },
    change: (project) => {
      unlinkSync(project.path('a.mjs'));
      project.write({ 'a.mts': 'console.log(2);' });
    },
  },
  'a file comes that goes before a directory': {
    files: { 'pipe.ts': "import './a';", 'a/index.ts': 'console.log(1);' },
    change: (project) => project.write({ 'a.ts': 'console.log(2);' }),
  },
  'a package.json in a directory names another file': {
    files: { 'pipe.ts': "import './a';", 'a/index.ts': 'console.log(1);', 'a/other.ts': 'console.log(2);' },
    change: (project) => project.write({ 'a/package.json': '{"main":"other.ts"}' }),
  },
  'a JSON file is edited': {
    files: { 'pipe.ts': "import data from './d.json'; console.log(data);", 'd.json': '1' },
    change: (project) => project.write({ 'd.json': '2' }),
  },
  'a linked file points elsewhere': {
    files: { 'pipe.ts': "import './link';", 'one.ts': 'console.log(1);', 'two.ts': 'console.log(2);' },
    links: { 'link.ts': 'one.ts' },
    change: (project) => {
      unlinkSync(project.path('link.ts'));
      symlinkSync(project.path('two.ts'), project.path('link.ts'));
    },
  },
  'a linked directory points elsewhere': {
    files: { 'pipe.ts': "import './link/a';", 'one/a.ts': 'console.log(1);', 'two/a.ts': 'console.log(2);' },
    links: { link: 'one' },
    change: (project) => {
      unlinkSync(project.path('link'));
      symlinkSync(project.path('two'), project.path('link'));
    },
  },
  'the first target of a tsconfig path comes': {
    files: {
      'tsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./first/*","./second/*"]}}}',
      'pipe.ts': "import '@/a';",
      'second/a.ts': 'console.log(2);',
    },
    change: (project) => project.write({ 'first/a.ts': 'console.log(1);' }),
  },
  'a file below baseUrl comes that goes before a package': {
    files: {
      'tsconfig.json': '{"compilerOptions":{"baseUrl":"./src"}}',
      'pipe.ts': "import 'lib';",
      ...PACKAGE,
    },
    change: (project) => project.write({ 'src/lib.ts': 'console.log(1);' }),
  },
  'what tsconfig.json extends changes, two files away': {
    files: {
      'tsconfig.json': '{"extends":["./a.json","./b"]}',
      'a.json': '{}',
      'b.json': '{"extends":"@scope/config/strict.json"}',
      'node_modules/@scope/config/strict.json': '{"compilerOptions":{"useDefineForClassFields":true}}',
      'pipe.ts': 'console.log(class { a = 1 });',
    },
    change: (project) =>
      project.write({
        'node_modules/@scope/config/strict.json': '{"compilerOptions":{"useDefineForClassFields":false}}',
      }),
  },
  'what tsconfig.json extends comes': {
    files: { 'tsconfig.json': '{"extends":"config"}', 'pipe.ts': 'console.log(class { a = 1 });' },
    change: (project) =>
      project.write({
        'node_modules/config/package.json': '{"name":"config"}',
        'node_modules/config/tsconfig.json': '{"compilerOptions":{"useDefineForClassFields":false}}',
      }),
  },
  'a tsconfig.json comes in a directory of its own': {
    files: { 'pipe.ts': "import './sub/a';", 'sub/a.ts': 'console.log(class { a = 1 });' },
    change: (project) =>
      project.write({ 'sub/tsconfig.json': '{"compilerOptions":{"useDefineForClassFields":false}}' }),
  },
  'a jsconfig.json comes': {
    files: {
      'pipe.js': "import '@/a';",
      'lib/a.js': 'console.log(1);',
      'node_modules/@/a/package.json': '{"name":"@/a"}',
      'node_modules/@/a/index.js': '',
    },
    change: (project) =>
      project.write({ 'jsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./lib/*"]}}}' }),
  },
  'a package comes nearer': {
    files: { 'pipe.ts': "import './sub/a';", 'sub/a.ts': "import 'lib';", ...PACKAGE },
    change: (project) =>
      project.write({
        'sub/node_modules/lib/package.json': '{"name":"lib"}',
        'sub/node_modules/lib/index.js': '',
      }),
  },
  'a package exports another file': {
    files: { 'pipe.ts': "import 'lib';", ...PACKAGE, 'node_modules/lib/other.js': '' },
    change: (project) =>
      project.write({ 'node_modules/lib/package.json': '{"name":"lib","exports":"./other.js"}' }),
  },
  'a file of a package without a manifest entry comes': {
    files: { 'pipe.ts': "import 'lib/sub';", ...PACKAGE, 'node_modules/lib/sub/index.js': '' },
    change: (project) => project.write({ 'node_modules/lib/sub.js': '' }),
  },
  'a package is linked to its source': {
    files: {
      'pipe.ts': "import 'lib';",
      ...PACKAGE,
      'packages/lib/package.json': '{"name":"lib","main":"index.js"}',
      'packages/lib/index.js': 'exports.a = 1;',
    },
    change: (project) => {
      rmSync(project.path('node_modules/lib'), { recursive: true });
      symlinkSync(project.path('packages/lib'), project.path('node_modules/lib'));
    },
  },
  'the imports of package.json change': {
    files: {
      'package.json': '{"imports":{"#a":"./one.ts"}}',
      'pipe.ts': "import '#a';",
      'one.ts': 'console.log(1);',
      'two.ts': 'console.log(2);',
    },
    change: (project) => project.write({ 'package.json': '{"imports":{"#a":"./two.ts"}}' }),
  },
  'a nearer package.json says that a module has no side effects': {
    files: { 'pipe.ts': "import './sub/a';", 'sub/a.ts': 'console.log(1);' },
    change: (project) => project.write({ 'sub/package.json': '{"sideEffects":false}' }),
  },
  'a package that was bundled moves to node_modules': {
    files: {
      'pipe.ts': "import 'lib';",
      'packages/lib/package.json': '{"name":"lib","main":"index.js"}',
      'packages/lib/index.js': 'exports.a = 1;',
    },
    links: { 'node_modules/lib': 'packages/lib' },
    change: (project) => {
      unlinkSync(project.path('node_modules/lib'));
      renameSync(project.path('packages/lib'), project.path('node_modules/lib'));
    },
  },
};

test.each(Object.entries(CASES))(
  '%s: the cached JavaScript is not used',
  async (_, { files, links = {}, change }) => {
    const project = scratchProject(files);
    for (const [link, target] of Object.entries(links)) {
      mkdirSync(dirname(project.path(link)), { recursive: true });
      symlinkSync(project.path(target), project.path(link));
    }
    const file = project.path('pipe.ts' in files ? 'pipe.ts' : 'pipe.js');
    const load = () => bundleFile({ paths: project.paths, file, framework: builtFramework() });
    const before = await load();
    const kept = { code: before.code, externals: before.externals };
    change(project);
    const fresh = (await bundleSource({ file, root: project.paths.root })).bundle;
    expect({ code: fresh.code, externals: fresh.externals }).not.toEqual(kept);
    const after = await load();
    expect({ code: after.code, externals: after.externals }).toEqual({
      code: fresh.code,
      externals: fresh.externals,
    });
  },
);

test('nothing changed: the JavaScript is taken from the cache', async () => {
  const project = scratchProject({ 'pipe.ts': "import './a'; import 'lib';", 'a.ts': '', ...PACKAGE });
  const load = () => bundleFile({ paths: project.paths, file: 'pipe.ts', framework: builtFramework() });
  // What comes from the cache is read when it is asked for; what was just built is at hand.
  const isRead = (bundle: object): boolean =>
    Object.getOwnPropertyDescriptor(bundle, 'code')?.get !== undefined;
  expect(isRead(await load())).toBe(false);
  expect(isRead(await load())).toBe(true);
  project.write({ 'unrelated.ts': '' });
  expect(isRead(await load())).toBe(true);
});
