import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { RunPipelineError, type ExternalImport } from '@run-pipeline/core/model';
import { carrySources } from '../../discover/index.js';
import type { BundleExternal, SourceBundle } from '../../discover/discovery.js';
import type { Project } from '../../project/project.js';

/**
 * The code of a controller that is left to agents: with the lockfile of its npm imports, as the packages of
 * steps have one, and the text of its sources. An agent needs nothing else of the project. Only such a
 * launch pays for it.
 *
 * @throws RunPipelineError `import-outside-packages` on a fleet, for an import that no other machine can have.
 */
export async function portableBundle(
  project: Pick<Project, 'root' | 'fleet'>,
  bundle: SourceBundle,
): Promise<SourceBundle> {
  if (bundle.portable !== undefined) return bundle;
  const { root, fleet } = project;
  // The framework is the agent's own.
  const imports = bundle.externals.filter((external) => external.file !== undefined);
  // Of an earlier run, whose packages were removed meanwhile: whoever evaluates it says what is missing.
  if (!imports.every(({ file }) => existsSync(file!))) return bundle;
  const { lockImports } = await import('../../package/dependencies/lock-imports.js');
  const locked = lockImports({
    root,
    imports: imports.map(({ specifier, importer, file }) => ({ specifier, importer, file: file! })),
  });
  const found = imports.flatMap((external, index): (readonly [string, ExternalImport])[] => {
    const known = locked.externals[index];
    if (known !== undefined) return [[external.id, known]];
    // An agent of this machine finds it where it is.
    if (fleet) throw cannotTravel(external);
    return [];
  });
  return {
    code: bundle.code,
    map: carrySources(bundle.map),
    externals: bundle.externals,
    modules: bundle.modules,
    ...(bundle.variables === undefined ? {} : { variables: bundle.variables }),
    portable: {
      root,
      imports: found,
      closure: locked.closure,
      closureHash: locked.closureHash,
      ...(locked.lock === undefined ? {} : { lock: locked.lock }),
    },
  };
}

function cannotTravel({ specifier, importer, file = '' }: BundleExternal): RunPipelineError {
  const what = file.includes(`${sep}node_modules${sep}`)
    ? 'has no package.json'
    : 'is part of no npm package';
  return new RunPipelineError({
    kind: 'load',
    code: 'import-outside-packages',
    message: `the import "${specifier}" cannot go to another machine: ${file} is no source code and ${what}`,
    at: { file: importer, line: 1, column: 1 },
    help: 'make an npm package of it, or leave the controller here: --queue instead of --remote',
  });
}
