import type { ArgumentShape } from '@run-pipeline/core/graph';
import type { InputNode, Reference } from '@run-pipeline/core/references';
import { interpolate, readPath } from '@run-pipeline/core/references';
import {
  didYouMean,
  isSuccess,
  isRunPipelineError,
  RunPipelineError,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { directory, file, fileMarker } from '@run-pipeline/core/define';
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { hashOf } from '../../fingerprint/index.js';
import { decodeJsonValue } from '../../artifacts/index.js';
import { decodeStored, encodeLiteral, identityOf, storedIdentity } from './values.js';
import type { ArgumentValues, InputValue } from '../../workers/protocol.js';
import type { NodeState } from '../context.js';
import type { Parameters } from '../launch/parameters.js';
import type { RunFiles } from '../launch/run-files.js';
import type { Project } from '../../project/project.js';

/**
 * From compiled inputs to what enters the fingerprint and what the worker gets. A whole reference to
 * an artifact passes its hash on: the value is not read here. A path into a value, and text with
 * references inside, are read in the controller, so that only what the step uses decides.
 */
export interface ResolvedInput {
  /** Identity of the value: equal values, equal hash. */
  readonly hash: string;
  readonly shown: string | undefined;
  readonly where: string | undefined;
  readonly file: boolean;
  /** Encodes (and stores) what is not stored yet: asked for only when the step executes. */
  readonly value: () => Promise<InputValue>;
}

export interface ResolveContext {
  readonly project: Project;
  readonly parameters: Parameters;
  readonly nodes: ReadonlyMap<string, NodeState>;
  readonly files: RunFiles;
}

export interface ResolvedArguments {
  readonly shape: ArgumentShape['kind'];
  /** By position, or by name. */
  readonly inputs: readonly (readonly [string, ResolvedInput])[];
}

export async function resolveArguments(
  context: ResolveContext,
  shape: ArgumentShape,
): Promise<ResolvedArguments> {
  if (shape.kind === 'none') return { shape: 'none', inputs: [] };
  const named: readonly (readonly [string, InputNode])[] =
    shape.kind === 'named' ? shape.values : shape.values.map((node, index) => [String(index), node] as const);
  const inputs: (readonly [string, ResolvedInput])[] = [];
  for (const [name, node] of named) inputs.push([name, await resolveInput(context, node)]);
  return { shape: shape.kind, inputs };
}

export async function argumentValues(resolved: ResolvedArguments): Promise<ArgumentValues> {
  switch (resolved.shape) {
    case 'none':
      return { kind: 'none' };
    case 'positional':
      return {
        kind: 'positional',
        values: await Promise.all(resolved.inputs.map(([, input]) => input.value())),
      };
    case 'named':
      return {
        kind: 'named',
        values: await Promise.all(
          resolved.inputs.map(async ([name, input]) => [name, await input.value()] as const),
        ),
      };
    default:
      return resolved.shape satisfies never;
  }
}

export function inputParts(resolved: ResolvedArguments, names: readonly string[]): readonly PreimagePart[] {
  return resolved.inputs.map(([name, input]) => ({
    kind: input.file ? ('file' as const) : ('input' as const),
    name: resolved.shape === 'positional' ? (names[Number(name)] ?? `#${Number(name) + 1}`) : name,
    hash: input.hash,
    ...(input.shown === undefined ? {} : { shown: input.shown }),
    ...(input.where === undefined ? {} : { where: input.where }),
  }));
}

export async function resolveInput(context: ResolveContext, node: InputNode): Promise<ResolvedInput> {
  switch (node.kind) {
    case 'literal': {
      const input = await resolveLiteral(context, node.value);
      return node.from === undefined ? input : { ...input, where: node.from };
    }
    case 'reference':
      return resolveReference(context, node.reference);
    case 'template':
      return resolveLiteral(context, await readTemplate(context, node.parts));
    case 'list': {
      const items: ResolvedInput[] = [];
      for (const item of node.items) items.push(await resolveInput(context, item));
      return combinedList(items);
    }
    case 'object': {
      const entries: (readonly [string, ResolvedInput])[] = [];
      for (const [key, value] of node.entries) entries.push([key, await resolveInput(context, value)]);
      if (isTuple(context, node)) return combinedList(entries.map(([, item]) => item));
      return combined('object', entries, async () => ({
        kind: 'object',
        entries: await Promise.all(entries.map(async ([key, item]) => [key, await item.value()] as const)),
      }));
    }
    case 'file': {
      const path = node.path.kind === 'literal' ? node.path.value : await readInput(context, node.path);
      if (typeof path !== 'string') {
        throw new RunPipelineError({
          kind: 'run',
          code: 'not-a-path',
          message: `${node.directory ? 'directory' : 'file'}() takes a path, got ${typeof path}`,
        });
      }
      return resolveFile(context, path, node.directory);
    }
    case 'each':
      throw new Error('each() is expanded before its inputs are resolved');
    default:
      return node satisfies never;
  }
}

const combinedList = (items: readonly ResolvedInput[]): ResolvedInput =>
  combined(
    'list',
    items.map((item, index) => [String(index), item] as const),
    async () => ({ kind: 'list', items: await Promise.all(items.map((item) => item.value())) }),
  );

/** The whole of a step that returned its several values as an array, of which the first one says so. */
function isTuple(context: ResolveContext, node: InputNode & { readonly kind: 'object' }): boolean {
  const [first] = node.entries;
  if (node.returnsOf === undefined || first === undefined) return false;
  return context.nodes.get(node.returnsOf)?.artifacts.get(first[0])?.record.meta?.['tuple'] === true;
}

function combined(
  kind: string,
  entries: readonly (readonly [string, ResolvedInput])[],
  value: () => Promise<InputValue>,
): ResolvedInput {
  const where = [...new Set(entries.flatMap(([, item]) => item.where ?? []))];
  return {
    hash: hashOf(
      kind,
      entries.map(([key, item]) => [key, item.hash]),
    ),
    shown: undefined,
    where: where.length === 0 ? undefined : where.join(', '),
    file: false,
    value,
  };
}

async function resolveLiteral(context: ResolveContext, value: unknown): Promise<ResolvedInput> {
  if (value === undefined) return UNDEFINED;
  const hash = await identityOf(context.project, value);
  return {
    hash,
    shown: showPrimitive(value),
    where: undefined,
    file: false,
    value: async () => {
      const artifact = await encodeLiteral(context.project, value);
      // What the fingerprint says it ran with is what it runs with, or it does not run.
      if (storedIdentity(artifact) !== hash) throw changedMeanwhile(value);
      return toInputValue(artifact);
    },
  };
}

function changedMeanwhile(value: unknown): RunPipelineError {
  const marker = fileMarker(value);
  return new RunPipelineError({
    kind: 'artifact',
    code: 'input-changed',
    message: `${marker === undefined ? 'an input' : marker.path} changed while the run was about to use it`,
    help: 'Run again once nothing writes to it.',
  });
}

const UNDEFINED: ResolvedInput = {
  hash: 'undefined',
  shown: 'undefined',
  where: undefined,
  file: false,
  value: () => Promise.resolve({ kind: 'undefined' }),
};

async function resolveFile(
  context: ResolveContext,
  path: string,
  isDirectory: boolean,
): Promise<ResolvedInput> {
  const { files, project } = context;
  const absolute = isAbsolute(path) ? path : resolve(project.cwd, path);
  const where = files.original(path);
  const carried = files.carried(absolute, isDirectory);
  if (carried !== undefined) return { ...fromArtifact(carried, where), file: true };
  if (files.areCarried && !existsSync(absolute)) throw notCarried(path, absolute, isDirectory);
  const input = await resolveLiteral(context, isDirectory ? directory(absolute) : file(absolute));
  return { ...input, where, file: true };
}

function notCarried(path: string, absolute: string, isDirectory: boolean): RunPipelineError {
  return new RunPipelineError({
    kind: 'artifact',
    code: 'file-elsewhere',
    message: `${isDirectory ? 'directory' : 'file'}(${JSON.stringify(path)}) is not on this machine${absolute === path ? '' : ` (${absolute})`}: the controller runs on an agent, and it was not there, or not known, when the run was launched`,
    help: "What comes along: parameters of type 'file' and 'directory', and file() inputs whose path depends on parameters alone. A step can return a file for another one.",
  });
}

/** `input is file("a.csv"), which …` as the user knows it: by the parameter that says so. */
const ofParameter = (error: RunPipelineError, name: string): RunPipelineError =>
  new RunPipelineError({
    kind: error.kind,
    code: error.code,
    message: error.message.replace(/^input is/, `parameter "${name}" is`),
    help: error.help,
    cause: error,
  });

async function resolveReference(context: ResolveContext, reference: Reference): Promise<ResolvedInput> {
  if (reference.kind === 'parameter') {
    const parameter = context.parameters.get(reference.name);
    if (parameter === undefined)
      throw unresolvable(reference.text, `there is no parameter "${reference.name}"`);
    if (parameter.file !== undefined) {
      const { path, directory: isDirectory } = parameter.file;
      if (reference.path.length > 0) throw unresolvable(reference.text, 'a file has no path into its value');
      const input = await resolveFile(context, path, isDirectory).catch((error: unknown) => {
        throw isRunPipelineError(error) ? ofParameter(error, reference.name) : error;
      });
      return { ...input, where: `${reference.name}: ${path}` };
    }
    if (reference.path.length > 0) {
      return resolveLiteral(
        context,
        readPath(structuredClone(parameter.value), reference.path, reference.text),
      );
    }
    const input = await resolveLiteral(context, parameter.value);
    return { ...input, where: `parameter ${reference.name}` };
  }
  if (reference.kind !== 'return') return resolveLiteral(context, await readReference(context, reference));

  const node = nodeOf(context, reference.step, reference.text);
  return resolveReturn(context, node, reference.name, reference.path, reference.text);
}

async function resolveReturn(
  context: ResolveContext,
  node: NodeState,
  name: string,
  path: readonly string[],
  text: string,
): Promise<ResolvedInput> {
  if (node.elements !== undefined) return resolveGather(context, node, name, path, text);
  const artifact = node.artifacts.get(name);
  if (artifact === undefined) {
    // A parent that failed with `skipChildrenOnFail: false`, or `result` of a step that returned nothing.
    if (isSuccess(node.status) && !mayBeNothing(node, name)) throw noArtifact(node, name, text);
    return UNDEFINED;
  }
  const where = `${node.name}.${name}`;
  if (path.length === 0) return { ...fromArtifact(artifact, where), shown: shortPreview(artifact) };
  const value = readPath(await decodeStored(context.project, artifact), path, text);
  const input = await resolveLiteral(context, value);
  return { ...input, where: [where, ...path].join('.') };
}

async function resolveGather(
  context: ResolveContext,
  node: NodeState,
  name: string,
  path: readonly string[],
  text: string,
): Promise<ResolvedInput> {
  const elements = node.elements ?? [];
  const [index, ...rest] = path;
  if (index !== undefined) {
    const element = /^\d+$/.test(index) ? elements[Number(index)] : undefined;
    if (element === undefined) throw unresolvable(text, `${node.name} has ${elements.length} elements`);
    return resolveReturn(context, element, name, rest, text);
  }
  const items: ResolvedInput[] = [];
  for (const element of elements) items.push(await resolveReturn(context, element, name, [], text));
  return { ...combinedList(items), where: `${node.name}.${name}` };
}

/** The value itself: for text, for `file()` paths, for lists that are split. */
export async function readInput(context: ResolveContext, node: InputNode): Promise<unknown> {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'reference':
      return readReference(context, node.reference);
    case 'template':
      return readTemplate(context, node.parts);
    case 'list':
      return Promise.all(node.items.map((item) => readInput(context, item)));
    case 'object': {
      const entries = await Promise.all(
        node.entries.map(async ([key, value]) => [key, await readInput(context, value)] as const),
      );
      return isTuple(context, node) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
    }
    case 'file': {
      const path = String(await readInput(context, node.path));
      const absolute = isAbsolute(path) ? path : resolve(context.project.cwd, path);
      const isCarried = context.files.carried(absolute, node.directory) !== undefined;
      const here = isCarried ? await context.files.place(absolute, node.directory) : path;
      return node.directory ? directory(here) : file(here);
    }
    case 'each':
      throw new Error('each() is expanded before its inputs are read');
    default:
      return node satisfies never;
  }
}

async function readTemplate(
  context: ResolveContext,
  parts: readonly (string | Reference)[],
): Promise<string> {
  const values = new Map<Reference, unknown>();
  for (const part of parts)
    if (typeof part !== 'string') values.set(part, await readReference(context, part));
  return interpolate(parts, (reference) => values.get(reference));
}

async function readReference(context: ResolveContext, reference: Reference): Promise<unknown> {
  switch (reference.kind) {
    case 'parameter': {
      const parameter = context.parameters.get(reference.name);
      if (parameter === undefined)
        throw unresolvable(reference.text, `there is no parameter "${reference.name}"`);
      if (parameter.file !== undefined) return parameter.file.path;
      return readPath(structuredClone(parameter.value), reference.path, reference.text);
    }
    case 'return': {
      const node = nodeOf(context, reference.step, reference.text);
      return readReturn(context, node, reference.name, reference.path, reference.text);
    }
    case 'id':
      return nodeOf(context, reference.step, reference.text).producer;
    case 'artifact': {
      const node = nodeOf(context, reference.step, reference.text);
      const artifact = node.artifacts.get(reference.name);
      if (artifact === undefined) {
        if (isSuccess(node.status)) throw noArtifact(node, reference.name, reference.text);
        return undefined;
      }
      return artifact.record[reference.attribute as 'url'];
    }
    case 'task-parameter': {
      const node = nodeOf(context, reference.step, reference.text);
      return readStepParameter(context, node, reference.section, reference.name, reference.text);
    }
    default:
      return reference satisfies never;
  }
}

async function readReturn(
  context: ResolveContext,
  node: NodeState,
  name: string,
  path: readonly string[],
  text: string,
): Promise<unknown> {
  if (node.elements !== undefined) {
    const [index, ...rest] = path;
    if (index === undefined) {
      return Promise.all(node.elements.map((element) => readReturn(context, element, name, [], text)));
    }
    const element = /^\d+$/.test(index) ? node.elements[Number(index)] : undefined;
    if (element === undefined) throw unresolvable(text, `${node.name} has ${node.elements.length} elements`);
    return readReturn(context, element, name, rest, text);
  }
  const artifact = node.artifacts.get(name);
  if (artifact === undefined) {
    if (isSuccess(node.status) && !mayBeNothing(node, name)) throw noArtifact(node, name, text);
    return undefined;
  }
  return readPath(await decodeStored(context.project, artifact), path, text);
}

/** A function that returns nothing leaves no `result`; a task leaves what it uploads. */
const mayBeNothing = ({ definition: { code, returns } }: NodeState, name: string): boolean =>
  name === 'result' && returns === undefined && code.kind !== 'task';

function noArtifact(node: NodeState, name: string, text: string): RunPipelineError {
  const names = [...node.artifacts.keys()];
  const has = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 20).join(', ')}`;
  return unresolvable(text, `step ${node.name} has no artifact "${name}"${didYouMean(name, names)}: ${has}`);
}

/**
 * `$<step.parameters.kwargs/x>`: the inputs of an executed step are its parameters, as ClearML files them.
 * A step from a task has those of the clone that was executed, also what it connected itself.
 */
async function readStepParameter(
  context: ResolveContext,
  node: NodeState,
  section: string,
  name: string,
  text: string,
): Promise<unknown> {
  if (node.definition.code.kind === 'task') {
    const record = await context.project.store.readTask(node.producer);
    const parameters = record?.parameters ?? node.given ?? {};
    const values = Object.hasOwn(parameters, section) ? parameters[section]! : {};
    if (Object.hasOwn(values, name)) return decodeJsonValue(values[name]!);
    if (!isSuccess(node.status)) return undefined;
    const known = Object.entries(parameters).flatMap(([from, each]) =>
      Object.keys(each).map((parameter) => `${from}/${parameter}`),
    );
    const suggestion = didYouMean(`${section}/${name}`, known);
    throw unresolvable(text, `step ${node.name} has no parameter "${section}/${name}"${suggestion}`);
  }
  const { inputs } = node;
  const entries =
    inputs.kind === 'named'
      ? inputs.values
      : inputs.kind === 'positional'
        ? inputs.values.map((value, index) => [String(index), value] as const)
        : [];
  const found =
    section === 'kwargs' || section === 'General' ? entries.find(([key]) => key === name) : undefined;
  if (found === undefined)
    throw unresolvable(text, `step ${node.name} has no parameter "${section}/${name}"`);
  return readInput(context, found[1]);
}

function nodeOf(context: ResolveContext, step: string, text: string): NodeState {
  const node = context.nodes.get(step);
  if (node === undefined) throw unresolvable(text, `there is no step "${step}" in this run`);
  return node;
}

/** Found only at run time, because it depends on a value: fails the run with this reason. */
export const unresolvable = (text: string, why: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code: 'unresolvable-reference',
    message: `${text} cannot be resolved: ${why}`,
  });

export function toInputValue(artifact: StoredArtifact): InputValue {
  const { record, inline } = artifact;
  return {
    kind: 'encoded',
    codec: record.type,
    codecVersion: record.codecVersion,
    hash: record.hash,
    ...(inline === undefined ? {} : { inline }),
    ...(record.meta === undefined ? {} : { meta: record.meta }),
  };
}

function fromArtifact(artifact: StoredArtifact, where: string | undefined): ResolvedInput {
  return {
    hash: storedIdentity(artifact),
    shown: undefined,
    where,
    file: artifact.record.type === 'file' || artifact.record.type === 'directory',
    value: () => Promise.resolve(toInputValue(artifact)),
  };
}

export function showPrimitive(value: unknown): string | undefined {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'number' || typeof value === 'boolean' || value === null || typeof value === 'bigint'
        ? String(value)
        : undefined;
  return text !== undefined && text.length <= 60 ? text : undefined;
}

function shortPreview({ record }: StoredArtifact): string | undefined {
  return record.preview !== undefined && record.preview.length <= 40 ? record.preview : undefined;
}
