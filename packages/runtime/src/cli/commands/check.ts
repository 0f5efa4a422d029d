import { buildGraph } from '@run-pipeline/core/graph';
import {
  formatLocation,
  isRunPipelineError,
  type Diagnostic,
  type PipelineDefinition,
  type RunPipelineError,
} from '@run-pipeline/core/model';
import { mapToSource } from '../../discover/map-to-source.js';
import { findTemplates, packageRequests } from '../../engine/index.js';
import { createPackager } from '../../package/index.js';
import { resolvePaths } from '../../project/paths.js';
import { codeFrame } from '../../source/code-frame.js';
import { diagnosticLines } from '../../terminal/diagnostics.js';
import { printableWord } from '../../terminal/sanitise.js';
import { count } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { choosePipeline, type ChosenPipeline } from '../pipeline-file.js';
import { openExisting } from '../project-access.js';
import { exitCodeOf } from '../report-error.js';
import { checkTypes } from '../type-check.js';

/** `run-pipeline check FILE`: the graph, the packages, the types; nothing is executed. */
export async function checkCommand(context: Context): Promise<number> {
  const paths = resolvePaths(context);
  let chosen: ChosenPipeline;
  try {
    chosen = await choosePipeline(context, context.arguments[0]!);
  } catch (error) {
    // Only what is wrong with the file is a finding; a missing argument or directory is not.
    if (!isRunPipelineError(error) || (error.kind !== 'load' && error.kind !== 'definition')) throw error;
    return report(context, paths.cwd, {
      diagnostics: diagnosticsOf(error),
      notes: [],
      exitCode: exitCodeOf(error),
    });
  }
  const { definition, loaded } = chosen;
  const graph = definition.kind === 'function' ? [] : buildGraph(definition).diagnostics;
  const types = checkTypes({ paths, loaded });
  const templates = await templateFindings(context, definition);
  const packaged = graph.some(isError)
    ? []
    : (
        await createPackager({ mapToSource })({
          paths,
          requests: packageRequests(definition, { cache: true }),
        })
      ).diagnostics;
  const { diagnostics: found, note } = await types;
  // A reference that we have told about with a suggestion is not told again in the words of the compiler.
  const told = new Set(graph.map(({ at }) => (at === undefined ? undefined : formatLocation(at, paths.cwd))));
  const typeErrors = found.filter(({ at }) => at === undefined || !told.has(formatLocation(at, paths.cwd)));
  const definitionErrors = [...graph, ...templates, ...typeErrors];
  return report(context, paths.cwd, {
    diagnostics: [...definitionErrors, ...packaged],
    notes: note === undefined ? [] : [note],
    exitCode: definitionErrors.some(isError) ? 2 : packaged.some(isError) ? 3 : 0,
  });
}

/** Base tasks are looked for as a run does it; a state that is not there is not made for it. */
async function templateFindings(
  context: Context,
  definition: PipelineDefinition,
): Promise<readonly Diagnostic[]> {
  if (!definition.steps.some(({ code }) => code.kind === 'task')) return [];
  const project = await openExisting(context);
  try {
    const paths = project ?? {
      ...resolvePaths(context),
      packages: undefined,
      signing: { signer: undefined, trust: undefined },
    };
    return (await findTemplates({ store: project?.store, paths, definition })).diagnostics;
  } finally {
    await project?.close();
  }
}

const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error';

const diagnosticsOf = (error: RunPipelineError): readonly Diagnostic[] =>
  error.diagnostics.length > 0
    ? error.diagnostics
    : [
        {
          code: error.code,
          severity: 'error',
          message: error.message,
          ...(error.at === undefined ? {} : { at: error.at }),
          ...(error.help === undefined ? {} : { help: error.help }),
        },
      ];

function report(
  context: Context,
  cwd: string,
  found: {
    readonly diagnostics: readonly Diagnostic[];
    readonly notes: readonly string[];
    readonly exitCode: number;
  },
): number {
  const { style } = context;
  const errors = found.diagnostics.filter(isError).length;
  const warnings = found.diagnostics.length - errors;
  if (context.json) {
    const place = (at: Diagnostic['at']): string | null =>
      at === undefined ? null : formatLocation(at, cwd);
    printJson(context, {
      ok: errors === 0,
      diagnostics: found.diagnostics.map(({ code, severity, message, at, help, related }) => ({
        code,
        severity,
        message,
        at: place(at),
        ...(help === undefined ? {} : { help }),
        ...(related === undefined
          ? {}
          : { related: related.map((item) => ({ message: item.message, at: place(item.at) })) }),
      })),
    });
    return found.exitCode;
  }
  for (const diagnostic of found.diagnostics) {
    printLines(context.out, [...diagnosticLines(diagnostic, { style, cwd, frame: codeFrame }), '']);
  }
  for (const note of found.notes) printLines(context.out, [style.dim(printableWord(note))]);
  const numbers = [count(errors, 'error'), ...(warnings > 0 ? [count(warnings, 'warning')] : [])].join(', ');
  printLines(context.out, [
    errors === 0
      ? `${style.good('✔')} ${warnings > 0 ? numbers : 'no errors'}`
      : `${style.bad('✖')} ${numbers}`,
  ]);
  return found.exitCode;
}
