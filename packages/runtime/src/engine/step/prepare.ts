import type { CacheOption, Fingerprint, TaskPackage } from '@run-pipeline/core/model';
import type { InputNode } from '@run-pipeline/core/references';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { computeFingerprint } from '../../fingerprint/index.js';
import type { InputValue } from '../../workers/protocol.js';
import {
  inputParts,
  readInput,
  resolveArguments,
  resolveInput,
  type ResolvedArguments,
  type ResolvedInput,
} from './inputs.js';
import type { NodeState, RunContext } from '../context.js';
import { templateInputs, type TemplateInputs } from './template-inputs.js';
import type { Template } from '../launch/templates.js';
import { identityOf } from './values.js';

/** A step whose inputs are known: what it would run, with what, and the fingerprint of both. */
export interface Prepared {
  readonly package: TaskPackage;
  readonly arguments: ResolvedArguments;
  /** `@Parameter` values the slice reads through `this`. */
  readonly parameters: readonly (readonly [string, ResolvedInput])[];
  /** Of a step from a task: what it is cloned from, and what the clone has. */
  readonly template: PreparedTemplate | undefined;
  readonly fingerprint: Fingerprint;
  readonly parts: readonly PreimagePart[];
  /** Resolved: the step's, else the pipeline's; `false` under `--no-cache`. */
  readonly cache: CacheOption;
}

export interface PreparedTemplate extends Pick<TemplateInputs, 'script' | 'comment'> {
  readonly base: Template;
  /** False: the base task itself is executed. */
  readonly clone: boolean;
}

/** What preparing needs; `plan` has this much without a run. */
export type PrepareContext = Pick<
  RunContext,
  | 'project'
  | 'definition'
  | 'parameters'
  | 'nodes'
  | 'files'
  | 'packageOf'
  | 'templates'
  | 'secretKey'
  | 'options'
  | 'environment'
>;

export async function prepare(
  context: PrepareContext,
  node: NodeState,
  before: (parameters: Record<string, unknown>) => Promise<boolean>,
): Promise<Prepared | 'skipped'> {
  const taskPackage = await context.packageOf(node.definition);
  const edited = await editInputs(context, node, before);
  if (edited === 'skipped') return 'skipped';
  const { manifest } = taskPackage;
  const given =
    node.definition.code.kind === 'task'
      ? await ofTemplate(context, node, edited)
      : await ofFunction(context, manifest, edited);
  const cache = effectiveCache(context, node);
  // Secrets are passed on and do not enter, also where the code reads them by name.
  const secrets = new Set([...context.definition.options.secrets, ...node.definition.options.secrets]);
  const { fingerprint, parts } = computeFingerprint({
    manifest,
    returns: node.definition.returns,
    inputs: given.inputs,
    own: given.own,
    version: cache === false ? undefined : cache.version,
    key: cache === false || cache.key === undefined ? undefined : await keyPart(context, edited, cache.key),
    env: [...context.definition.options.env, ...node.definition.options.env, ...manifest.env].filter(
      (name) => !secrets.has(name),
    ),
    environment: context.environment,
    secretKey: context.secretKey,
  });
  const { arguments: resolved, parameters, template } = given;
  return { package: taskPackage, arguments: resolved, parameters, template, fingerprint, parts, cache };
}

/** What a step is executed with, and the parts of the fingerprint that it makes. */
interface Given extends Pick<Prepared, 'arguments' | 'parameters' | 'template'> {
  readonly inputs: readonly PreimagePart[];
  /** What a `cache.key` does not stand for. */
  readonly own: readonly PreimagePart[];
}

async function ofFunction(
  context: PrepareContext,
  manifest: TaskPackage['manifest'],
  inputs: NodeState['inputs'],
): Promise<Given> {
  const resolved = await resolveArguments(context, inputs);
  const parameterNames = manifest.reads === 'all' ? [...context.parameters.keys()] : manifest.reads;
  const parameters: (readonly [string, ResolvedInput])[] = [];
  for (const name of parameterNames) {
    if (!context.parameters.has(name)) continue;
    parameters.push([name, await resolveInput(context, parameterReference(name))]);
  }
  return {
    arguments: resolved,
    parameters,
    template: undefined,
    inputs: [
      ...inputParts(resolved, argumentNames(manifest.binding)),
      ...parameters.map(([name, input]) => parameterPart(name, input)),
    ],
    own: [],
  };
}

async function ofTemplate(
  context: PrepareContext,
  node: NodeState,
  inputs: NodeState['inputs'],
): Promise<Given> {
  const { code } = node.definition;
  const base = context.templates.get(node.definition.name);
  if (base === undefined || code.kind !== 'task')
    throw new Error(`the base task of step ${node.name} was not looked up`);
  const { script, comment, overridden, own } = await templateInputs(context, node, {
    template: base,
    inputs,
  });
  return {
    arguments: { shape: 'none', inputs: [] },
    parameters: [],
    template: { base, clone: code.clone, script, comment },
    inputs: overridden,
    own,
  };
}

export function effectiveCache(context: PrepareContext, node: NodeState): CacheOption {
  if (!context.options.cache) return false;
  return node.definition.options.cache ?? context.definition.options.cache;
}

const parameterReference = (name: string): InputNode => ({
  kind: 'reference',
  reference: { kind: 'parameter', name, path: [], text: `$<pipeline.${name}>` },
});

const parameterPart = (name: string, input: ResolvedInput): PreimagePart => ({
  kind: input.file ? 'file' : 'parameter',
  name,
  hash: input.hash,
  ...(input.shown === undefined ? {} : { shown: input.shown }),
});

const argumentNames = (binding: TaskPackage['manifest']['binding']): readonly string[] =>
  binding.kind === 'by-name' ? binding.parameters : [];

/** A pre-execute callback sees decoded values and may edit them: before the fingerprint. */
async function editInputs(
  context: PrepareContext,
  node: NodeState,
  before: (parameters: Record<string, unknown>) => Promise<boolean>,
): Promise<NodeState['inputs'] | 'skipped'> {
  const { inputs } = node;
  if (node.definition.options.preExecuteCallback === undefined) return inputs;
  const entries: (readonly [string, InputNode])[] =
    inputs.kind === 'none'
      ? []
      : inputs.kind === 'named'
        ? [...inputs.values]
        : inputs.values.map((value, index) => [String(index), value] as const);
  const values: Record<string, unknown> = {};
  const identities: Record<string, string> = {};
  for (const [name, input] of entries) {
    values[name] = await readForCallback(context, input);
    identities[name] = await identityOf(context.project, values[name]);
  }
  if (!(await before(values))) return 'skipped';
  // What was not edited keeps its reference, and with it the artifact's own hash.
  const edited: (readonly [string, InputNode])[] = [];
  const isTemplate = node.definition.code.kind === 'task';
  for (const [name, input] of entries) {
    // An override that is taken away leaves the value of the task itself.
    if (isTemplate && !(name in values)) continue;
    const unchanged =
      name in values && (await identityOf(context.project, values[name])) === identities[name];
    edited.push([name, unchanged ? input : { kind: 'literal', value: values[name] }]);
  }
  for (const name of Object.keys(values)) {
    if (!entries.some(([known]) => known === name))
      edited.push([name, { kind: 'literal', value: values[name] }]);
  }
  if (inputs.kind === 'positional') return { kind: 'positional', values: edited.map(([, value]) => value) };
  return edited.length === 0 && !isTemplate ? inputs : { kind: 'named', values: edited };
}

/** A file parameter is its path, which a callback may read: one of this machine. */
async function readForCallback(context: PrepareContext, input: InputNode): Promise<unknown> {
  const given =
    input.kind === 'reference' && input.reference.kind === 'parameter'
      ? context.parameters.get(input.reference.name)?.file
      : undefined;
  return given === undefined ? readInput(context, input) : context.files.place(given.path, given.directory);
}

async function keyPart(
  context: PrepareContext,
  inputs: NodeState['inputs'],
  key: (inputs: unknown) => unknown,
): Promise<PreimagePart> {
  const values =
    inputs.kind === 'none'
      ? []
      : inputs.kind === 'positional'
        ? await Promise.all(inputs.values.map((input) => readInput(context, input)))
        : Object.fromEntries(
            await Promise.all(
              inputs.values.map(async ([name, input]) => [name, await readInput(context, input)] as const),
            ),
          );
  const result = await key(values);
  const shown = typeof result === 'string' && result.length <= 60 ? result : undefined;
  return {
    kind: 'key',
    name: 'key',
    hash: await identityOf(context.project, result),
    ...(shown === undefined ? {} : { shown }),
  };
}

export async function parameterValues(
  prepared: Prepared,
): Promise<readonly (readonly [string, InputValue])[]> {
  return Promise.all(prepared.parameters.map(async ([name, input]) => [name, await input.value()] as const));
}
