import { isDeclaredPipeline, pipelineOf, type DeclaredPipeline } from '@run-pipeline/core/define';
import { didYouMean, RunPipelineError } from '@run-pipeline/core/model';
import type { Candidate, LoadedFile } from './discovery.js';
import { shortPath } from './load-error.js';

/**
 * The pipelines a file offers: its exports (classes, controllers, pipeline functions), then the
 * controllers it constructed, then what it started itself. One pipeline is one candidate, however
 * many names it is exported under.
 */
export function collectCandidates(found: {
  readonly exports: Readonly<Record<string, unknown>>;
  /** Declared while the file was evaluated, in order. */
  readonly declared: readonly DeclaredPipeline[];
  readonly started: readonly object[];
}): Candidate[] {
  const candidates = new Map<object, Candidate>();
  const add = (declaration: DeclaredPipeline | undefined, exportName: string | undefined): void => {
    if (declaration === undefined || candidates.has(declaration.subject)) return;
    candidates.set(declaration.subject, {
      subject: declaration.subject,
      definition: declaration.definition,
      exportName,
    });
  };
  for (const [name, value] of exportedValues(found.exports)) add(pipelineOf(value), name);
  for (const declaration of found.declared) {
    // A class or function that is not exported is the file's own business; a controller is its result.
    if (typeof declaration.subject === 'object') add(declaration, undefined);
  }
  for (const subject of found.started) add(pipelineOf(subject), undefined);
  return [...candidates.values()];
}

/** Named exports before the default one; of a CommonJS file, the properties of `module.exports`. */
function exportedValues(exports: Readonly<Record<string, unknown>>): (readonly [string, unknown])[] {
  const { default: byDefault, ...named } = exports;
  const entries = Object.entries(named);
  if (byDefault !== undefined) entries.push(['default', byDefault]);
  if (
    typeof byDefault === 'object' &&
    byDefault !== null &&
    pipelineOf(byDefault) === undefined &&
    isPlain(byDefault)
  ) {
    entries.push(...Object.entries(byDefault));
  }
  return entries;
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

/**
 * The pipeline that `FILE#name` means: by export, then by pipeline name; without a name the only one.
 *
 * @throws RunPipelineError (exit code 2) when there is none, several, or none of that name.
 */
export function selectCandidate(loaded: LoadedFile, name?: string): Candidate {
  const { candidates } = loaded;
  const file = shortPath(loaded.file);
  const at = { file: loaded.file, line: 1, column: 1 };
  if (candidates.length === 0) {
    throw new RunPipelineError({
      kind: 'definition',
      code: 'no-pipeline',
      message: `${file} has no pipeline`,
      at,
      help: 'export a class with @Step methods, a `pipeline(…)` function, or a `new PipelineController(…)`',
    });
  }
  if (name === undefined || name === '') {
    // A file that starts one pipeline means that one.
    const [started, ...more] = new Set(loaded.starts.map(({ candidate }) => candidate));
    if (started !== undefined && more.length === 0) return started;
    const [only, ...others] = candidates.filter((candidate) => !isMereBase(candidate, candidates));
    if (only !== undefined && others.length === 0) return only;
    const list = candidates.map((candidate) => `  ${file}#${labelOf(candidate)}`).join('\n');
    throw new RunPipelineError({
      kind: 'usage',
      code: 'several-pipelines',
      message: `${file} has ${candidates.length} pipelines; say which:\n${list}`,
      at,
      help: `add #${labelOf(candidates[0]!)} to the file`,
    });
  }
  const byExport = candidates.find(({ exportName }) => exportName === name);
  const byName =
    byExport === undefined ? candidates.filter((candidate) => pipelineName(candidate) === name) : [];
  if (byName.length > 1) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'several-pipelines',
      message: `${file} has ${byName.length} pipelines named "${name}"`,
      at,
      help: 'export them, and say the name of the export',
    });
  }
  const found = byExport ?? byName[0];
  if (found !== undefined) return found;
  const known = candidates.map(labelOf);
  throw new RunPipelineError({
    kind: 'usage',
    code: 'unknown-pipeline',
    message: `${file} has no pipeline "${name}"${didYouMean(name, [...known, ...candidates.flatMap((candidate) => pipelineName(candidate) ?? [])])}`,
    at,
    help: `it has ${known.join(', ')}`,
  });
}

/** What `FILE#…` takes for it: the export, else the pipeline's name. */
export const labelOf = (candidate: Candidate): string =>
  candidate.exportName !== undefined && candidate.exportName !== 'default'
    ? candidate.exportName
    : (pipelineName(candidate) ?? 'default');

/** A class that lends its steps to another pipeline and says nowhere that it is one itself. */
const isMereBase = ({ subject }: Candidate, candidates: readonly Candidate[]): boolean =>
  typeof subject === 'function' &&
  !isDeclaredPipeline(subject) &&
  candidates.some((other) => Object.prototype.isPrototypeOf.call(subject, other.subject));

/** A definition with errors has no name to go by; the errors come when it is used. */
function pipelineName(candidate: Candidate): string | undefined {
  try {
    return candidate.definition().name;
  } catch {
    return undefined;
  }
}
