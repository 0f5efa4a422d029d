import { select, type Graph, type Selection } from '@run-pipeline/core/graph';
import {
  isSuccess,
  RunPipelineError,
  taskId,
  type PipelineDefinition,
  type Report,
  type RunId,
  type StepEnd,
  type StepName,
  type StoredArtifact,
  type TaskId,
} from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import type { EngineOptions } from '../api.js';
import { newNode, type NodeState, type RunContext } from '../context.js';
import { adoptByName, standEnded } from '../run/recorded.js';
import { endNode } from '../run/end-node.js';

/** Results of earlier runs by step (`--from`, `--only`), and what is left out. */
export interface Borrowed {
  readonly selection: Selection;
  readonly results: ReadonlyMap<string, BorrowedResult>;
}
interface BorrowedStep {
  /** The one that made the artifacts. */
  readonly task: TaskId;
  readonly artifacts: readonly StoredArtifact[];
  /** For what the run shows as its own; empty when it shows none. */
  readonly reports: readonly Report[];
}
interface BorrowedResult extends BorrowedStep {
  readonly run: RunId;
  readonly elements: readonly (BorrowedStep & { readonly name: StepName })[] | undefined;
}

export function selectSteps(
  definition: PipelineDefinition,
  graph: Graph | undefined,
  options: Pick<EngineOptions, 'from' | 'to' | 'only'>,
): Selection | undefined {
  const { from, to, only } = options;
  if (from === undefined && to === undefined && only === undefined) return undefined;
  if (graph === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'selection-of-function',
      message: `--from, --to and --only do not apply to ${definition.name}: the graph of a pipeline function is known only while it runs`,
    });
  }
  return select(graph, { from, to, only });
}

/** How many of the newest runs are looked at. */
const LOOK_BACK = 50;

export async function borrowFromEarlierRuns(
  project: Project,
  definition: PipelineDefinition,
  selection: Selection,
): Promise<Borrowed> {
  const results = new Map<string, BorrowedResult>();
  const missing = new Set<string>(selection.reused);
  const runs =
    missing.size === 0
      ? []
      : await project.store.findRuns({
          pipeline: definition.name,
          project: definition.project,
          limit: LOOK_BACK,
        });
  for (const run of runs) {
    if (missing.size === 0) break;
    const events = await project.store.readEvents(run.id, { types: ['step.end', 'step.add'] });
    const ends = new Map(
      events.flatMap((event) =>
        event.type === 'step.end' ? [[event.step as string, event as StepEnd]] : [],
      ),
    );
    const children = new Map<string, StepName[]>();
    for (const event of events) {
      if (event.type !== 'step.add') continue;
      for (const node of event.steps) {
        if (node.of !== undefined) children.set(node.of, [...(children.get(node.of) ?? []), node.name]);
      }
    }
    for (const name of missing) {
      const end = ends.get(name);
      if (end === undefined || !isSuccess(end.status)) continue;
      const elementNames = children.get(name);
      const shown = definition.steps.find((step) => step.name === name)?.options.monitor.metrics ?? [];
      const borrow = (step: StepName): Promise<BorrowedStep> =>
        borrowStep(project, run.id, { step, end: ends.get(step), withReports: shown.length > 0 });
      const elements =
        elementNames === undefined
          ? undefined
          : await Promise.all(
              elementNames.map(async (element) => ({ name: element, ...(await borrow(element)) })),
            );
      results.set(name, { run: run.id, ...(await borrow(end.step)), elements });
      missing.delete(name);
    }
  }
  if (missing.size > 0) {
    const names = [...missing].join(', ');
    throw new RunPipelineError({
      kind: 'usage',
      code: 'nothing-to-start-from',
      message: `no earlier run of ${definition.name} has a result of ${names}`,
      help: 'Run the whole pipeline once, or select these steps too.',
    });
  }
  return { selection, results };
}

async function borrowStep(
  { store }: Project,
  run: RunId,
  options: {
    readonly step: StepName;
    readonly end: StepEnd | undefined;
    readonly withReports: boolean;
  },
): Promise<BorrowedStep> {
  const { step, end, withReports } = options;
  const events = withReports ? await store.readEvents(run, { step, types: ['step.report'] }) : [];
  return {
    task: end?.task ?? taskId(`${run}.${step}`),
    artifacts: await store.readArtifacts(run, step),
    reports: events.flatMap((event) =>
      event.type === 'step.report' && event.attempt === end?.attempt ? [event.report] : [],
    ),
  };
}

/** Ends a node that is not selected: with the earlier result, or skipped. False: it is selected. */
export async function standIn(context: RunContext, node: NodeState, borrowed: Borrowed): Promise<boolean> {
  if (borrowed.selection.selected.has(node.name)) return false;
  const recorded = context.recorded?.byName.get(node.name);
  const result = borrowed.results.get(node.name);
  if (result === undefined) {
    await endNode(context, node, {
      status: 'skipped',
      attempt: 0,
      durationMs: 0,
      artifacts: [],
      why: ['not selected'],
    });
    return true;
  }
  if (result.elements !== undefined) {
    node.elements = await standInElements(context, node, { run: result.run, elements: result.elements });
  }
  if (recorded !== undefined && isSuccess(recorded.status)) {
    // What the run took when it started, not what a newer run has by now.
    if (result.elements === undefined) return adoptByName(context, node);
    standEnded(context, node, recorded);
    return true;
  }
  await endNode(context, node, {
    status: 'cached',
    attempt: 0,
    durationMs: 0,
    cachedFrom: result.run,
    artifacts: result.artifacts,
    monitored: result.reports,
    producer: result.task,
    why: ['not selected: taken from an earlier run'],
  });
  return true;
}

/** The elements become nodes of this run too: later runs, and `get`, find them here. */
async function standInElements(
  context: RunContext,
  node: NodeState,
  earlier: { readonly run: RunId; readonly elements: NonNullable<BorrowedResult['elements']> },
): Promise<readonly NodeState[]> {
  const elements: NodeState[] = [];
  for (const { name, artifacts, reports, task } of earlier.elements) {
    const recorded = context.recorded?.byName.get(name);
    const element = newNode({
      run: context.row.id,
      key: name,
      definition: node.definition,
      inputs: node.inputs,
      parents: node.parents,
      mapped: false,
      of: node,
      announced: recorded !== undefined,
    });
    elements.push(element);
    context.nodes.set(element.key, element);
    if (recorded !== undefined && isSuccess(recorded.status)) {
      element.artifacts = new Map(artifacts.map((artifact) => [artifact.record.name, artifact]));
      standEnded(context, element, recorded);
      continue;
    }
    await endNode(context, element, {
      status: 'cached',
      attempt: 0,
      durationMs: 0,
      cachedFrom: earlier.run,
      artifacts,
      monitored: reports,
      producer: task,
      why: ['not selected: taken from an earlier run'],
    });
  }
  return elements;
}
