import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buildGraph, drawnNodes, exportGraph, type GraphFormat } from '@run-pipeline/core/graph';
import { definitionError } from '@run-pipeline/core/model';
import { printLines, type Context } from '../context.js';
import { choosePipeline } from '../pipeline-file.js';
import { usageError } from '../usage-error.js';

/** `run-pipeline graph FILE` */
export async function graphCommand(context: Context): Promise<number> {
  const format = context.json ? 'json' : ((context.options.text('format') ?? 'mermaid') as GraphFormat);
  const { definition } = await choosePipeline(context, context.arguments[0]!);
  if (definition.kind === 'function') {
    throw usageError(
      `${definition.name} is a pipeline function: its graph comes while it runs`,
      'run-pipeline plan shows its first steps; after a run, run-pipeline show has all of them',
    );
  }
  const { graph, diagnostics } = buildGraph(definition);
  if (graph === undefined) throw definitionError(diagnostics);
  const text = exportGraph(drawnNodes(graph), format, { title: definition.name });
  const out = context.options.text('out');
  if (out === undefined) context.out.write(text);
  else {
    await writeFile(resolve(context.cwd, out), text);
    printLines(context.err, [`wrote ${out}`]);
  }
  return 0;
}
