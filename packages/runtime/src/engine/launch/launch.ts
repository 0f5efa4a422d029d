import type { PipelineDefinition, StepDefinition, TaskPackage } from '@run-pipeline/core/model';
import { RunPipelineError } from '@run-pipeline/core/model';
import { registry } from '@run-pipeline/core/define';
import { mapToSource } from '../../discover/index.js';
import { createPackager, signPackages, type PackageRequest, type PackageSteps } from '../../package/index.js';
import type { PackagePlace } from '../../project/project.js';
import type { EngineOptions } from '../api.js';

/** The packages of a pipeline, by the definition they were made for. */
export interface LaunchPackages {
  readonly of: (definition: StepDefinition) => Promise<TaskPackage>;
  /** By `packageKeys`, so that a resumed controller finds the same packages. */
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * Packages every step in one build, before anything runs. A pipeline function's calls come later, but
 * its steps are known once its file has been evaluated; one made inside the body is packaged when called.
 */
export async function packagePipeline(options: {
  readonly paths: PackagePlace;
  readonly definition: PipelineDefinition;
  readonly engine: Pick<EngineOptions, 'cache'>;
  /** Packages of steps from tasks, by the step's name. */
  readonly templates: ReadonlyMap<string, TaskPackage>;
  readonly onWarning: (message: string) => void;
  /** Called before packages are made that no memo has. */
  readonly onMissing?: (count: number) => void;
}): Promise<LaunchPackages> {
  const { definition } = options;
  const packageSteps = createPackager({ mapToSource });
  const packages = new Map([
    ...(await build(packageSteps, options, packageRequests(definition, options.engine))),
    ...options.templates,
  ]);
  const byDefinition = new Map<StepDefinition, Promise<TaskPackage>>();
  for (const [step, key] of packageKeys(definition)) {
    const found = packages.get(key);
    if (found !== undefined) byDefinition.set(step, Promise.resolve(found));
  }
  return {
    hashes: new Map([...packages].map(([key, value]) => [key, value.hash])),
    of(step) {
      let known = byDefinition.get(step);
      if (known === undefined) {
        known = build(packageSteps, options, [request(options, step, step.name)]).then((result) => {
          const made = result.get(step.name);
          if (made === undefined) throw new Error(`no package was made for step ${step.name}`);
          return made;
        });
        byDefinition.set(step, known);
      }
      return known;
    },
  };
}

/**
 * Every step by a key that is its name: `train`, and `train (2)` for another `step()` of the same name.
 * Of a pipeline function: all that were declared so far, in the order of their declaration, which is the
 * same whenever its file is evaluated.
 */
export function packageKeys(definition: PipelineDefinition): ReadonlyMap<StepDefinition, string> {
  const steps = definition.kind === 'function' ? registry().steps.values() : definition.steps;
  const seen = new Map<string, number>();
  const keys = new Map<StepDefinition, string>();
  for (const step of steps) {
    const count = (seen.get(step.name) ?? 0) + 1;
    seen.set(step.name, count);
    keys.set(step, count === 1 ? step.name : `${step.name} (${count})`);
  }
  return keys;
}

/** What `check` and a run hand to the packager, before anything runs. */
export function packageRequests(
  definition: PipelineDefinition,
  engine: Pick<EngineOptions, 'cache'>,
): readonly PackageRequest[] {
  return [...packageKeys(definition)]
    .filter(([step]) => step.code.kind !== 'task')
    .map(([step, key]) => request({ definition, engine }, step, key));
}

function request(
  options: { readonly definition: PipelineDefinition; readonly engine: Pick<EngineOptions, 'cache'> },
  step: StepDefinition,
  key: string,
): PackageRequest {
  const cache = step.options.cache ?? options.definition.options.cache;
  const { inputs, code } = step;
  if (code.kind === 'task') throw new Error(`step ${step.name} has a template, not code of this file`);
  return {
    key,
    name: step.name,
    code,
    inputs:
      options.definition.kind === 'function'
        ? { kind: 'positional', count: 0 }
        : inputs.kind === 'none'
          ? { kind: 'none' }
          : inputs.kind === 'positional'
            ? { kind: 'positional', count: inputs.values.length }
            : { kind: 'named', names: Object.keys(inputs.values) },
    assets: step.options.assets,
    cached: cache !== false,
    writing: options.definition.kind,
  };
}

async function build(
  packageSteps: PackageSteps,
  options: {
    readonly paths: PackagePlace;
    readonly onWarning: (message: string) => void;
    readonly onMissing?: (count: number) => void;
  },
  requests: readonly PackageRequest[],
): Promise<ReadonlyMap<string, TaskPackage>> {
  if (requests.length === 0) return new Map();
  const { packages, diagnostics } = await packageSteps({
    paths: options.paths,
    requests,
    ...(options.onMissing === undefined ? {} : { onMissing: options.onMissing }),
  });
  const errors = diagnostics.filter((item) => item.severity === 'error');
  if (errors.length > 0) {
    throw new RunPipelineError({
      kind: 'load',
      code: errors[0]?.code ?? 'packaging',
      message: errors.map((item) => item.message).join('\n'),
      at: errors[0]?.at,
      help: errors[0]?.help,
      diagnostics,
    });
  }
  for (const warning of diagnostics) options.onWarning(warning.message);
  signPackages(
    options.paths,
    [...packages.values()].map(({ hash }) => hash),
  );
  return packages;
}
