import { elementName, type Graph } from '@run-pipeline/core/graph';
import { stepName, type RunId, type StepDefinition, type TaskPackage } from '@run-pipeline/core/model';
import type { PreimageRow } from '@run-pipeline/core/ports';
import type { Plan, PlannedStep, PlanRun } from '../api.js';
import { findHit } from '../step/cache.js';
import { newNode, type NodeState } from '../context.js';
import { splitInputs } from '../step/each.js';
import { takeEnvironment } from '../environment.js';
import { packagePipeline } from './launch.js';
import { bodyValues, launchParameters, requireGivenFiles } from './parameters.js';
import { createCallScope, inScope } from '../run/pipeline-function.js';
import { prepare, type PrepareContext } from '../step/prepare.js';
import { reasonsToRun } from '../step/reasons.js';
import { newRunId } from '../../project/new-id.js';
import { selectSteps } from './selection.js';
import { checkedGraph } from './prepare-launch.js';
import { OWN_FILES } from './run-files.js';
import { requireTemplates } from './templates.js';

/** Says what a run would do, by the run's own code up to the point where it would execute. */
export const planRun: PlanRun = async (request) => {
  const { project, definition, options } = request;
  const parameters = await launchParameters({ definition, given: request.parameters, cwd: project.cwd });
  requireGivenFiles(parameters, request.parameters);
  const graph = checkedGraph(definition);
  const selection = selectSteps(definition, graph, options);
  const found = await requireTemplates({
    store: project.store,
    paths: project,
    definition,
    onWarning: request.onWarning,
  });
  const packages = await packagePipeline({
    paths: project,
    definition,
    engine: options,
    templates: found.packages,
    onWarning: request.onWarning,
  });
  let previous: Promise<ReadonlyMap<string, PreimageRow>> | undefined;
  const context: PlanContext = {
    project,
    definition,
    parameters,
    options,
    nodes: new Map(),
    files: OWN_FILES,
    packageOf: packages.of,
    templates: found.templates,
    secretKey: await project.store.secretKey(),
    environment: takeEnvironment(),
    previousPreimages: () =>
      (previous ??= project.store.latestPreimages({
        project: definition.project,
        pipeline: definition.name,
      })),
    planned: new Map(),
    run: newRunId(),
  };
  if (graph === undefined) return planBody(context);
  for (const name of graph.order) {
    if (selection !== undefined && !selection.selected.has(name)) continue;
    await planNode(context, nodeOf(context, graph, name));
  }
  return { steps: [...context.planned.values()], notes: [] };
};

interface PlanContext extends PrepareContext {
  readonly nodes: Map<string, NodeState>;
  readonly previousPreimages: () => Promise<ReadonlyMap<string, PreimageRow>>;
  readonly planned: Map<string, PlannedStep>;
  readonly run: RunId;
  readonly packageOf: (definition: StepDefinition) => Promise<TaskPackage>;
}

function nodeOf(context: PlanContext, graph: Graph, name: string): NodeState {
  const planned = graph.nodes.get(stepName(name)) ?? fail(name);
  const node = newNode({
    run: context.run,
    key: name,
    definition: planned.definition,
    inputs: planned.inputs,
    parents: planned.parents.flatMap((parent) => context.nodes.get(parent) ?? []),
    mapped: planned.mapped,
    announced: true,
  });
  context.nodes.set(name, node);
  return node;
}

function fail(name: string): never {
  throw new Error(`the graph's order names ${name}, which it does not hold`);
}

/** A node that is cached stands as ended, so that its children can be looked at too. */
async function planNode(context: PlanContext, node: NodeState): Promise<void> {
  const open = node.parents.filter((parent) => parent.status !== 'cached');
  if (open.length > 0) {
    tell(context, node, { action: 'depends', reasons: open.map((parent) => dependsOn(context, parent)) });
    return;
  }
  if (node.definition.options.preExecuteCallback !== undefined) {
    tell(context, node, { action: 'depends', reasons: ['its pre-execute callback may change its inputs'] });
    return;
  }
  if (node.mapped) return planMapped(context, node);
  const prepared = await prepare(context, node, () => Promise.resolve(true));
  if (prepared === 'skipped') return;
  node.given = prepared.template?.script.parameters;
  const { hit, miss } = await findHit(context, node, prepared);
  if (hit === undefined) {
    tell(context, node, { action: 'run', reasons: await reasonsToRun(context, node, prepared, miss) });
    return;
  }
  node.status = 'cached';
  node.artifacts = new Map(hit.artifacts.map((artifact) => [artifact.record.name, artifact]));
  node.producer = hit.task;
  tell(context, node, { action: 'cached', reasons: [], from: hit.run });
}

async function planMapped(context: PlanContext, node: NodeState): Promise<void> {
  const shapes = await splitInputs(context, node);
  node.elements = shapes.map((inputs, index) => {
    const key = elementName(node.key, index);
    const element = newNode({
      run: context.run,
      key,
      definition: node.definition,
      inputs,
      parents: [],
      mapped: false,
      of: node,
      announced: true,
    });
    context.nodes.set(key, element);
    return element;
  });
  for (const element of node.elements) await planNode(context, element);
  const running = node.elements.filter((element) => element.status !== 'cached');
  if (running.length === 0) node.status = 'cached';
  tell(context, node, {
    action: running.length === 0 ? 'cached' : 'run',
    reasons: running.length === 0 ? [] : [`${running.length} of its ${node.elements.length} elements run`],
  });
}

function tell(context: PlanContext, node: NodeState, planned: Omit<PlannedStep, 'name'>): void {
  context.planned.set(node.key, { name: node.name, ...planned });
}

/** Names the first changed ancestor, whatever lies between. */
function dependsOn(context: PlanContext, parent: NodeState): string {
  const planned = context.planned.get(parent.key);
  if (planned === undefined) return `on ${parent.name}, which is not selected`;
  if (planned.action === 'run') return `on ${parent.name}, which runs: ${planned.reasons.join('; ')}`;
  return planned.reasons[0] ?? `on ${parent.name}`;
}

/** Runs the body up to the first await of a step that is not cached. */
async function planBody(context: PlanContext): Promise<Plan> {
  const settled = new Map<NodeState, Promise<void>>();
  let blockedOn: NodeState | undefined;
  let reportBlocked: () => void = () => {};
  const blocked = new Promise<void>((resolve) => {
    reportBlocked = resolve;
  });
  const scope = createCallScope({
    run: context.run,
    project: context.project,
    nodes: context.nodes,
    reserved: new Set(),
    add(node) {
      const planning = Promise.all(node.parents.map((parent) => settled.get(parent)))
        .then(() => planNode(context, node))
        .then(() => {
          if (node.status === 'cached') node.ended.resolve();
        });
      settled.set(node, planning);
    },
    onAwait(node) {
      void settled.get(node)?.then(() => {
        if (node.status === 'cached') return;
        blockedOn ??= node;
        reportBlocked();
      });
    },
  });
  const values = await bodyValues(context.parameters, context.files);
  const body = inScope(scope, async () => context.definition.body?.(values));
  body.catch(() => {});
  await Promise.race([body.catch(() => {}), blocked]);
  // What was issued so far is looked at; a body that goes on elsewhere is not waited for.
  for (let known = 0; known < settled.size;) {
    known = settled.size;
    await Promise.all(settled.values());
  }
  const notes =
    blockedOn === undefined
      ? []
      : [
          `the plan goes up to the first await that is not cached: ${(blockedOn as NodeState).name}; what follows depends on its value`,
        ];
  return { steps: [...context.planned.values()], notes };
}
