import type { Diagnostic, TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import type { MapToSource } from './find/place.js';
import { Memo, type MemoisedStep } from './memo/memo.js';
import type { PackageRequest, PackageSteps } from './packager.js';
import { compareSteps, type ComparedStep } from './slice/shared-state.js';

/** What a packager works with. */
export interface PackagerOptions {
  /**
   * From a place in an executed JavaScript file to the user's own source. Places that are in TypeScript
   * already are not asked about; give the identity when all places are mapped.
   */
  readonly mapToSource: MapToSource;
}

/**
 * Makes the function that packages the steps of a run. Keep one for the run: steps that come later (of
 * a pipeline function) are compared with those before, whose module state they must not share.
 *
 * @example
 * ```ts
 * const packageSteps = createPackager({ mapToSource });
 * const { packages, diagnostics } = await packageSteps({ paths, requests });
 * ```
 */
export function createPackager(options: PackagerOptions): PackageSteps {
  const packaged = new Map<string, ComparedStep>();
  return async ({ paths, requests, onMissing }) => {
    const found = recall(paths, requests);
    const compared = [...found.steps].map(([request, step]) => comparedStep(request, step));
    const isNew = (step: ComparedStep): boolean => !requests.some((request) => request.key === step.key);
    const siblings = [...[...packaged.values()].filter(isNew), ...compared];
    const missing = requests.filter((request) => !found.steps.has(request));
    if (missing.length > 0) onMissing?.(missing.length);
    const result =
      missing.length === 0
        ? recalled(found.steps, siblings)
        : await packageMissing({ paths, missing, found, siblings, mapToSource: options.mapToSource });
    for (const memo of found.memos.values()) memo.save();
    for (const [request, step] of result.steps) packaged.set(request.key, comparedStep(request, step));
    const packages = new Map<string, TaskPackage>();
    for (const request of requests) {
      const step = result.steps.get(request);
      if (step !== undefined && !result.refused.has(request.key)) packages.set(request.key, step.task);
    }
    return { packages, diagnostics: distinct(result.diagnostics), memoised: found.steps.size };
  };
}

const comparedStep = (request: PackageRequest, step: MemoisedStep): ComparedStep => ({
  key: request.key,
  name: request.name ?? request.key,
  writing: request.writing,
  shared: step.shared,
});

interface Recalled {
  readonly steps: ReadonlyMap<PackageRequest, MemoisedStep>;
  readonly memos: ReadonlyMap<string, Memo>;
}

/** What the memos know; each user file has one. */
function recall(paths: ProjectPaths, requests: readonly PackageRequest[]): Recalled {
  const memos = new Map<string, Memo>();
  const steps = new Map<PackageRequest, MemoisedStep>();
  for (const request of requests) {
    const file = fileOf(request);
    let memo = memos.get(file);
    if (memo === undefined) {
      memo = Memo.open(paths, file);
      memos.set(file, memo);
    }
    const step = memo.find(request);
    if (step !== undefined) steps.set(request, step);
  }
  return { steps, memos };
}

const fileOf = ({ code }: PackageRequest): string =>
  (code.kind === 'function' ? code.call?.file : undefined) ?? code.file ?? '';

interface Outcome {
  readonly steps: ReadonlyMap<PackageRequest, MemoisedStep>;
  readonly diagnostics: readonly Diagnostic[];
  readonly refused: ReadonlySet<string>;
}

/** Everything is known: neither a parser nor a bundler is loaded. */
function recalled(
  steps: ReadonlyMap<PackageRequest, MemoisedStep>,
  siblings: readonly ComparedStep[],
): Outcome {
  const problems = compareSteps(siblings);
  const refused = problems.flatMap((problem) =>
    problem.diagnostic.severity === 'error' ? problem.keys : [],
  );
  return {
    steps,
    diagnostics: [
      ...[...steps.values()].flatMap((step) => step.diagnostics),
      ...problems.map((problem) => problem.diagnostic),
    ],
    refused: new Set(refused),
  };
}

async function packageMissing(options: {
  readonly paths: ProjectPaths;
  readonly missing: readonly PackageRequest[];
  readonly found: Recalled;
  readonly siblings: readonly ComparedStep[];
  readonly mapToSource: MapToSource;
}): Promise<Outcome> {
  const { paths, missing, found, siblings, mapToSource } = options;
  const { packageFromSources } = await import('./packaging.js');
  const fresh = await packageFromSources({ paths, requests: missing, mapToSource, siblings });
  for (const [file, memo] of found.memos) {
    const own = [...fresh.steps].filter(([request]) => fileOf(request) === file);
    if (own.length > 0) memo.add(fresh.inputs, own);
  }
  return {
    steps: new Map([...found.steps, ...fresh.steps]),
    diagnostics: [...[...found.steps.values()].flatMap((step) => step.diagnostics), ...fresh.diagnostics],
    refused: fresh.refused,
  };
}

function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [
    ...new Map(
      diagnostics.map((each) => [JSON.stringify([each.code, each.message, each.at]), each]),
    ).values(),
  ];
}
