import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { isRunPipelineError, runId, type ParameterDefinition } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { RerunPreview, RerunRequest, RunForm } from '@run-pipeline/core/wire';
import { loadFile, selectCandidate, type Candidate, type LoadedFile } from '../../discover/index.js';
import { graceMs, launchValues, openProject, planRun } from '../../engine/index.js';
import type { Project } from '../../project/index.js';
import type { Answer, Question } from './question.js';

dieWithParent();

/** The entry of a process that evaluates the user's file to answer one question of the page, and ends. */
process.once('message', (question: Question) => {
  void answer(question).then((reply) => {
    // Whatever the file has started: one answer is all that this process is for.
    process.send!(reply, undefined, undefined, () => process.exit(0));
  });
});
process.on('uncaughtException', (error) => {
  process.send!(failure(error), undefined, undefined, () => process.exit(1));
});

/**
 * A file may keep this thread busy for ever, so another one looks after it: the process ends with the server,
 * however that ended.
 */
function dieWithParent(): void {
  const watch = `
    const parent = ${process.ppid};
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);
  `;
  new Worker(watch, { eval: true }).unref();
}

async function answer(question: Question): Promise<Answer> {
  try {
    const project = await openProject({ cwd: process.cwd(), env: process.env });
    const row = await project.store.getRun(runId(question.run));
    if (row === undefined) return { kind: 'failed', code: 'unknown-run', message: 'there is no such run' };
    if (question.kind === 'form') return { kind: 'form', form: await formOf(project, row) };
    return { kind: 'preview', preview: await previewOf(project, row, question.request) };
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): Answer {
  if (!isRunPipelineError(error))
    return {
      kind: 'failed',
      code: 'load-failed',
      message: error instanceof Error ? `${error.name}: ${error.message}` : inspect(error),
    };
  const { code, message, help } = error;
  return { kind: 'failed', code, message, ...(help === undefined ? {} : { help }) };
}

async function formOf(project: Project, row: RunRow): Promise<RunForm> {
  const { file } = splitSource(row.source);
  try {
    const { candidate } = await loadPipeline(project, row);
    const definition = candidate.definition();
    const values = await launchValues(project, row.id);
    return {
      file,
      possible: true,
      kind: definition.kind,
      parameters: definition.parameters.map((parameter) => fieldOf(parameter, values)),
      steps: definition.kind === 'function' ? [] : definition.steps.map(({ name }) => name),
    };
  } catch (error) {
    if (!isRunPipelineError(error)) throw error;
    return { file, possible: false, reason: error.message, parameters: [], steps: [] };
  }
}

function fieldOf(
  parameter: ParameterDefinition,
  values: Readonly<Record<string, unknown>>,
): RunForm['parameters'][number] {
  const { name, type, description, required, schema } = parameter;
  const byDefault = parameter.default === undefined ? undefined : commandLineText(parameter.default);
  const given = Object.hasOwn(values, name) ? values[name] : undefined;
  const value = given === undefined ? undefined : commandLineText(given);
  return {
    name,
    type,
    required,
    schema: schema !== undefined,
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...(value === undefined ? {} : { value }),
  };
}

/** A value as `--param NAME=…` would give it; undefined where no text means the same. */
function commandLineText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

async function loadPipeline(
  project: Project,
  row: RunRow,
): Promise<{ readonly loaded: LoadedFile; readonly candidate: Candidate }> {
  const { file, name } = splitSource(row.source);
  const loaded = await loadFile({ paths: project, file: resolve(project.root, file) });
  return { loaded, candidate: selectCandidate(loaded, name) };
}

async function previewOf(
  project: Project,
  row: RunRow,
  request: RerunRequest,
): Promise<Omit<RerunPreview, 'command'>> {
  const notes: string[] = [];
  try {
    const { loaded, candidate } = await loadPipeline(project, row);
    const { selection } = request;
    const plan = await planRun({
      project,
      definition: candidate.definition(),
      loaded,
      source: row.source,
      exportName: candidate.exportName,
      parent: row.id,
      parameters: {
        values: { ...(await launchValues(project, row.id)), ...request.parameters },
        textual: Object.keys(request.parameters),
      },
      options: {
        concurrency: undefined,
        refresh: request.refresh ?? 'none',
        cache: request.cache ?? true,
        from: selection?.from,
        to: selection?.to,
        only: selection?.only,
        queue: request.queue,
        priority: 0,
        local: false,
        graceMs: graceMs(process.env),
      },
      onWarning: (message) => notes.push(message),
      signal: new AbortController().signal,
    });
    return { steps: plan.steps, notes: [...notes, ...plan.notes], problems: [] };
  } catch (error) {
    if (!isRunPipelineError(error)) throw error;
    return { steps: [], notes, problems: problemsOf(error) };
  }
}

function problemsOf(error: Parameters<typeof isRunPipelineError>[0]): RerunPreview['problems'] {
  if (!isRunPipelineError(error)) return [];
  const errors = error.diagnostics.filter(({ severity }) => severity === 'error');
  const found = errors.length > 0 ? errors : [error];
  return found.map(({ message, help }) => {
    const parameter = /\bparameter `([^`]+)`/.exec(message)?.[1];
    const text = help === undefined ? message : `${message} (${help})`;
    return parameter === undefined ? { message: text } : { parameter, message: text };
  });
}

/** `examples/iris.ts#IrisPipeline`. */
function splitSource(source: string): { readonly file: string; readonly name: string | undefined } {
  const at = source.lastIndexOf('#');
  return at <= 0
    ? { file: source, name: undefined }
    : { file: source.slice(0, at), name: source.slice(at + 1) };
}
