import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import pLimit from 'p-limit';
import { directory, file } from '@run-pipeline/core/define';
import type { ArgumentShape, Graph } from '@run-pipeline/core/graph';
import type { Digest } from '@run-pipeline/core/model';
import { referencesOf, type InputNode } from '@run-pipeline/core/references';
import type { Project } from '../../project/project.js';
import { readInput, type ResolveContext } from '../step/inputs.js';
import { encodeLiteral } from '../step/values.js';
import type { Parameters } from './parameters.js';
import { OWN_FILES, type CarriedFile } from './run-files.js';

/** A file or directory by its absolute path. */
export type FilePath = Pick<CarriedFile, 'path' | 'directory'>;

/** Files that are read and stored at once. */
const AT_ONCE = 4;

/**
 * Stores the content of files for whoever executes a run elsewhere. The content that is stored is the one that
 * is named: a file that changes afterwards is not looked at again. What is not there is left out: a step
 * may make it, and whoever misses it says so.
 */
export async function carryFiles(
  project: Project,
  paths: readonly FilePath[],
): Promise<readonly CarriedFile[]> {
  const limit = pLimit(AT_ONCE);
  const distinct = new Map(paths.map((each) => [`${each.directory} ${each.path}`, each]));
  const carried = await Promise.all(
    [...distinct.values()].map((each) =>
      limit(async (): Promise<CarriedFile | undefined> => {
        const found = await stat(each.path).catch(() => undefined);
        if (found === undefined || (each.directory ? !found.isDirectory() : !found.isFile()))
          return undefined;
        const value = each.directory ? directory(each.path) : file(each.path);
        return { ...each, artifact: await encodeLiteral(project, value) };
      }),
    ),
  );
  return carried.filter((each) => each !== undefined);
}

/** What must not be collected while the run needs it, each once; small files stand in its documents. */
export function fileBlobs(files: readonly CarriedFile[], others: readonly Blob[] = []): readonly Blob[] {
  const own = files.flatMap(({ artifact: { record, inline } }): readonly Blob[] =>
    inline === undefined ? [{ hash: record.hash, size: record.size }] : [],
  );
  return [...new Map([...others, ...own].map((blob) => [blob.hash, blob])).values()];
}

interface Blob {
  readonly hash: Digest;
  readonly size: number;
}

/**
 * The files that a pipeline will read, as far as they can be told beforehand: values of its parameters, and
 * `file()` and `directory()` in inputs of the selected steps whose path depends on nothing that a step makes.
 */
export async function filesOfLaunch(options: {
  readonly project: Project;
  readonly parameters: Parameters;
  /** Undefined for a pipeline function. */
  readonly graph: Graph | undefined;
  /** Undefined: all steps. */
  readonly selected: ReadonlySet<string> | undefined;
}): Promise<readonly FilePath[]> {
  const { project, parameters, graph, selected } = options;
  const ofParameters = [...parameters.values()].flatMap((each) => each.file ?? []);
  const inputs = (graph === undefined ? [] : [...graph.nodes.values()])
    .filter(({ name }) => selected?.has(name) ?? true)
    .flatMap((node) => inputsOf(node.inputs));
  const context = { project, parameters, nodes: new Map(), files: OWN_FILES };
  const ofInputs = (await filesInAll(context, inputs)).map(({ path, directory: isDirectory }) => ({
    path: isAbsolute(path) ? path : resolve(project.cwd, path),
    directory: isDirectory,
  }));
  return [...ofParameters, ...ofInputs];
}

const inputsOf = (shape: ArgumentShape): readonly InputNode[] =>
  shape.kind === 'none'
    ? []
    : shape.kind === 'positional'
      ? shape.values
      : shape.values.map(([, value]) => value);

async function filesIn(context: ResolveContext, node: InputNode): Promise<readonly FilePath[]> {
  switch (node.kind) {
    case 'literal':
    case 'reference':
    case 'template':
      return [];
    case 'list':
      return filesInAll(context, node.items);
    case 'object':
      return filesInAll(
        context,
        node.entries.map(([, value]) => value),
      );
    case 'each':
      return filesIn(context, node.list);
    case 'file': {
      const path = await knownText(context, node.path);
      return path === undefined ? [] : [{ path, directory: node.directory }];
    }
    default:
      return node satisfies never;
  }
}

const filesInAll = async (
  context: ResolveContext,
  nodes: readonly InputNode[],
): Promise<readonly FilePath[]> => (await Promise.all(nodes.map((node) => filesIn(context, node)))).flat();

/** A text that depends on parameters alone. */
async function knownText(context: ResolveContext, node: InputNode): Promise<string | undefined> {
  if (referencesOf(node).some(({ kind }) => kind !== 'parameter')) return undefined;
  const value = await readInput(context, node).catch(() => undefined);
  return typeof value === 'string' ? value : undefined;
}
