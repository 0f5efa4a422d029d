import { buildGraph, type Graph } from '@run-pipeline/core/graph';
import { definitionError, type PipelineDefinition } from '@run-pipeline/core/model';
import type { EngineOptions, RunRequest } from '../api.js';
import { packagePipeline, type LaunchPackages } from './launch.js';
import type { Launch } from './run-documents.js';
import { selectSteps } from './selection.js';
import { requireTemplates, type Templates } from './templates.js';

/** A pipeline whose graph, selection, templates and packages are in order: it can be started, here or elsewhere. */
export interface PreparedLaunch {
  /** Undefined for a pipeline function. */
  readonly graph: Graph | undefined;
  readonly selection: ReturnType<typeof selectSteps>;
  readonly templates: Templates;
  readonly packages: LaunchPackages;
}

/** @throws RunPipelineError for whatever is not in order, before anything was written but packages. */
export async function prepareLaunch(
  request: Pick<RunRequest, 'project' | 'definition' | 'options' | 'onWarning'> & {
    /** Called before packages are made that no memo has. */
    readonly onMissing?: (count: number) => void;
  },
): Promise<PreparedLaunch> {
  const { project, definition, options, onWarning, onMissing } = request;
  const graph = checkedGraph(definition);
  const selection = selectSteps(definition, graph, options);
  const { templates, packages: ofTemplates } = await requireTemplates({
    store: project.store,
    paths: project,
    definition,
    onWarning,
  });
  const packages = await packagePipeline({
    paths: project,
    definition,
    engine: options,
    templates: ofTemplates,
    onWarning,
    ...(onMissing === undefined ? {} : { onMissing }),
  });
  return { graph, selection, templates, packages };
}

/** What of the options holds wherever the run is continued. */
export const launchOptions = (options: EngineOptions): Launch['options'] => ({
  refresh: options.refresh,
  cache: options.cache,
  from: options.from,
  to: options.to,
  only: options.only,
  queue: options.queue,
  local: options.local,
  priority: options.priority,
  concurrency: options.concurrency,
});

/** Undefined for a pipeline function: its graph grows while it runs. */
export function checkedGraph(definition: PipelineDefinition): Graph | undefined {
  if (definition.kind === 'function') return undefined;
  const { graph, diagnostics } = buildGraph(definition);
  if (graph === undefined || diagnostics.some((item) => item.severity === 'error'))
    throw definitionError(diagnostics);
  return graph;
}
