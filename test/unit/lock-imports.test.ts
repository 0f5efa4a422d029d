import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { npmPackage, scratch } from '../rig/scratch.js';
import { lockImports } from '../../packages/runtime/src/package/dependencies/lock-imports.js';

test('imports are those of packages, wherever these lie, with what they depend on', () => {
  const it = scratch({
    ...npmPackage('plain', '1.2.3', { 'lib/x.js': '' }, { dependencies: { '@scope/deep': '^2.0.0' } }),
    ...npmPackage('@scope/deep', '2.0.1', { 'index.js': '' }),
    'apps/one/node_modules/plain/package.json': '{ "name": "plain", "version": "4.0.0" }',
    'apps/one/node_modules/plain/index.js': '',
    'apps/one/addon.node': '',
    'node_modules/.pnpm/linked@1.0.0/node_modules/linked/package.json':
      '{ "name": "linked", "version": "1.0.0" }',
    'node_modules/.pnpm/linked@1.0.0/node_modules/linked/index.js': '',
  });
  const linked = it.path('node_modules/linked');
  mkdirSync(dirname(linked), { recursive: true });
  symlinkSync(it.path('node_modules/.pnpm/linked@1.0.0/node_modules/linked'), linked);
  const importer = it.path('pipe.ts');
  const other = it.path('apps/one/other.ts');
  const { externals, closure, lock } = lockImports({
    root: it.directory,
    imports: [
      { specifier: 'plain/lib/x.js', importer, file: it.path('node_modules/plain/lib/x.js') },
      { specifier: 'plain', importer: other, file: it.path('apps/one/node_modules/plain/index.js') },
      { specifier: './addon.node', importer: other, file: it.path('apps/one/addon.node') },
      { specifier: 'linked', importer, file: realpathSync(`${linked}/index.js`) },
    ],
  });
  expect(externals).toMatchObject([
    {
      specifier: 'plain/lib/x.js',
      package: { name: 'plain', version: '1.2.3' },
      file: 'lib/x.js',
      kind: 'npm',
    },
    { package: { name: 'plain', version: '4.0.0' }, file: 'index.js', from: 'apps/one' },
    undefined,
    { package: { name: 'linked', version: '1.0.0' }, file: 'index.js' },
  ]);
  expect(closure.map(({ name, version, through }) => [name, version, through])).toEqual([
    ['@scope/deep', '2.0.1', 'plain'],
    ['linked', '1.0.0', undefined],
    ['plain', '1.2.3', undefined],
    ['plain', '4.0.0', undefined],
  ]);
  // Both versions of one name have a place of their own in what an agent installs.
  const locked = JSON.parse(lock!) as { readonly packages: Readonly<Record<string, { version: string }>> };
  const placed = externals.map((external) =>
    external === undefined
      ? undefined
      : locked.packages[external.place ?? `node_modules/${external.package!.name}`]?.version,
  );
  expect(placed).toEqual(['1.2.3', '4.0.0', undefined, '1.0.0']);
});

test('without imports there is nothing to install', () => {
  const it = scratch({});
  expect(lockImports({ root: it.directory, imports: [] })).toMatchObject({ externals: [], closure: [] });
  expect(lockImports({ root: it.directory, imports: [] }).lock).toBeUndefined();
});
