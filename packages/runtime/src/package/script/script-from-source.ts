import type { Diagnostic } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../../project/project.js';
import { Closures } from '../dependencies/closure.js';
import { packageContent, wholeFile } from '../manifest.js';
import { inputsOf, type Inputs } from '../memo/inputs.js';
import type { MemoisedStep } from '../memo/memo.js';
import { Program } from '../module/program.js';
import { projectPath } from '../slice/emit.js';
import { wholeSlice } from '../slice/facts.js';
import { sliceSymbols } from '../slice/symbols.js';
import { Resolver } from '../source/resolve.js';
import { TrackedFiles } from '../source/tracked-files.js';
import { TsConfigs } from '../source/tsconfig.js';
import { writePackages } from '../write-packages.js';
import { bundleScript } from './bundle-script.js';
import { loadScript } from './modules.js';
import { scriptFacts } from './script-facts.js';

export type FreshScript =
  | { readonly ok: true; readonly packaged: MemoisedStep; readonly inputs: Inputs }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Packages a script from its sources: parse, check imports, bundle, write. */
export async function scriptFromSource(options: {
  readonly paths: ProjectPaths;
  /** Absolute, links followed. */
  readonly file: string;
  readonly assets: readonly string[];
}): Promise<FreshScript> {
  const { paths, file } = options;
  const { root } = paths;
  const files = new TrackedFiles();
  const tsconfigs = new TsConfigs(files);
  const resolver = new Resolver(files, tsconfigs);
  const program = new Program({ files, resolver, tsconfigs, raises: false });
  const modules = await loadScript({ file, program, resolver });
  const loaded = [...modules.byFile.values()].map(({ module }) => module);
  const facts = scriptFacts(loaded);
  const found = [...modules.diagnostics, ...facts.diagnostics];
  if (modules.entry === undefined || found.some((each) => each.severity === 'error')) {
    return { ok: false, diagnostics: found };
  }
  const bundling = await bundleScript({ file, root, modules, resolver, files });
  if (!bundling.ok) return { ok: false, diagnostics: [...found, ...bundling.diagnostics] };
  const { bundled } = bundling;
  const name = projectPath(root, file);
  const at = { file, line: 1, column: 1 };
  const made = packageContent({
    code: {
      what: `the script ${name}`,
      bundled,
      assets: { patterns: options.assets, sourceFile: file },
      at,
      // What a script does at its top level is all that it does.
      facts: { ...facts, ownWorker: true },
      diagnostics: facts.diagnostics,
      manifest: {
        id: name,
        entry: { kind: 'script' },
        binding: { kind: 'positional' },
        reads: [],
        symbols: bundled.files.flatMap((each) => {
          const module = modules.byFile.get(each)?.module;
          return module === undefined
            ? [wholeFile(each, root, files)]
            : sliceSymbols(wholeSlice(module), root);
        }),
        source: { file: name, line: 1, endLine: lineCount(files.read(file) ?? '') },
      },
    },
    closures: new Closures({ files, resolver, root }),
    root,
    files,
    resolver,
  });
  if (!made.ok) return { ok: false, diagnostics: [...found, ...made.diagnostics] };
  const [task] = writePackages(paths, [made.content]);
  return {
    ok: true,
    packaged: { task: task!, shared: NOTHING_SHARED, diagnostics: facts.diagnostics },
    inputs: inputsOf(files),
  };
}

/** A script has a process of its own. */
const NOTHING_SHARED: MemoisedStep['shared'] = {
  state: {},
  changed: {},
  impure: {},
  entry: undefined,
  functions: {},
};

const lineCount = (text: string): number => text.replace(/\n$/, '').split('\n').length;
