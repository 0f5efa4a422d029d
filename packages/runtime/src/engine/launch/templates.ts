import {
  CONFIGURATION_INPUT,
  definitionError,
  didYouMean,
  isRunPipelineError,
  TASK_INPUT,
  type Diagnostic,
  type Digest,
  type PipelineDefinition,
  type StepCode,
  type StepDefinition,
  type TaskConfigurations,
  type TaskId,
  type TaskPackage,
  type TaskParameters,
  type TaskRecord,
  type TaskScript,
  type TaskType,
} from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { compileInputWithProblems, referencesOf } from '@run-pipeline/core/references';
import { ensurePackage } from '../../package/index.js';
import type { PackagePlace } from '../../project/project.js';
import { madeEarlier } from './packages.js';
import { encodeOverride } from '../step/template-inputs.js';

/**
 * The task that a step executes a clone of, as it was when the run started. It is kept with the run's
 * launch: whatever becomes of the task meanwhile, a resumed run goes on from what it began with.
 */
export interface Template {
  readonly task: TaskId;
  readonly project: string;
  readonly name: string;
  readonly type: TaskType;
  readonly tags: readonly string[];
  readonly comment: string;
  readonly script: TaskScript & { readonly package: Digest };
  readonly parameters: TaskParameters;
  readonly configurations: TaskConfigurations;
}

/** By the step's name: only controllers, whose steps have names of their own, have steps from tasks. */
export type Templates = ReadonlyMap<string, Template>;

export interface FoundTemplates {
  readonly templates: Templates;
  readonly packages: ReadonlyMap<string, TaskPackage>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Looks up what the steps of a pipeline are cloned from, once, before anything runs: by id, or the
 * newest task of a name that is not a step of a run. All findings at once, each at its `addStep`.
 *
 * @param options.store Undefined: nothing has been recorded in this project yet.
 */
export async function findTemplates(options: {
  readonly store: Store | undefined;
  readonly paths: PackagePlace;
  readonly definition: PipelineDefinition;
}): Promise<FoundTemplates> {
  const templates = new Map<string, Template>();
  const packages = new Map<string, TaskPackage>();
  const diagnostics: Diagnostic[] = [];
  // Many steps may be clones of one task.
  const known = new Map<string, Promise<Found>>();
  const executedBy = new Map<TaskId, string>();
  for (const step of options.definition.steps) {
    const { code } = step;
    if (code.kind !== 'task') continue;
    const key = JSON.stringify([code.base, code.clone]);
    const finding = known.get(key) ?? findTemplate({ ...options, code });
    known.set(key, finding);
    const found = await finding;
    if (found.ok) {
      templates.set(step.name, found.template);
      packages.set(step.name, found.package);
    }
    const cache = step.options.cache ?? options.definition.options.cache;
    const problems: (Problem & Partial<Pick<Diagnostic, 'severity'>>)[] = [
      ...(found.ok ? unknownParameters(step, found) : [found.problem]),
      ...overrideProblems(step),
    ];
    if (found.ok && cache !== false) problems.push(...cacheProblems(found));
    if (found.ok && !code.clone) {
      const other = executedBy.get(found.template.task);
      if (other !== undefined) problems.push(executedTwice(found.template, other));
      executedBy.set(found.template.task, step.name);
    }
    for (const problem of problems) {
      diagnostics.push({
        severity: 'error',
        ...problem,
        message: `step \`${step.name}\`: ${problem.message}`,
        ...(code.call === undefined ? {} : { at: code.call }),
      });
    }
  }
  return { templates, packages, diagnostics };
}

/** What a cached result must not depend on (INVARIANTS 2): the packager warned of it when the task was made. */
function cacheProblems(found: Extract<Found, { readonly ok: true }>): readonly Problem[] {
  const { readsEnvDynamically, warnings } = found.package.manifest;
  if (!readsEnvDynamically) return [];
  const at = warnings.find(({ code }) => code === 'dynamic-env')?.at ?? found.template.script.file;
  return [
    {
      code: 'dynamic-env-in-cached-step',
      message: `its script (${at}) reads process.env in a way that does not tell which variables, so its result cannot be cached`,
      help: `Read variables by name there (process.env.NAME) and make the task again: ${createCommand(found.template)}. Or leave cacheExecutedStep out.`,
    },
  ];
}

const executedTwice = (template: Template, other: string): Problem => ({
  code: 'base-task-twice',
  message: `the task ${called(template)} is executed by step \`${other}\` already, and with cloneBaseTask: false a task is executed once`,
  help: 'Leave cloneBaseTask out, so that each step executes a clone of its own.',
});

/** Values that no record can keep; those of references are known when the step is about to run. */
function overrideProblems({ inputs }: StepDefinition): readonly Problem[] {
  if (inputs.kind !== 'named') return [];
  return Object.entries(inputs.values).flatMap(([key, value]) => {
    if (key.startsWith(TASK_INPUT) || referencesOf(compileInputWithProblems(value).node).length > 0)
      return [];
    try {
      encodeOverride(value, key);
      return [];
    } catch (error) {
      if (!isRunPipelineError(error)) throw error;
      const { code, message, help } = error;
      return [{ code, message, ...(help === undefined ? {} : { help }) }];
    }
  });
}

/**
 * A slip of the pen would be a parameter that nothing reads. A script may connect more than its task has, as
 * long as it did not run: then only what looks like another name is worth a word.
 */
function unknownParameters(
  { inputs }: StepDefinition,
  { template, ran }: Extract<Found, { readonly ok: true }>,
): readonly (Problem & { readonly severity: 'warning' })[] {
  const known = Object.entries(template.parameters).flatMap(([section, values]) =>
    Object.keys(values).map((name) => `${section}/${name}`),
  );
  if (inputs.kind !== 'named' || known.length === 0) return [];
  return Object.keys(inputs.values).flatMap((key) => {
    if (key.startsWith(TASK_INPUT) || key.startsWith(CONFIGURATION_INPUT) || known.includes(key)) return [];
    const suggestion = didYouMean(key, known);
    if (suggestion === '' && !ran) return [];
    return [
      {
        severity: 'warning',
        code: 'unknown-task-parameter',
        message: `the task ${called(template)} has no parameter ${key}${suggestion}; it is added`,
        help: `It has ${known.join(', ')}.`,
      },
    ];
  });
}

/** The same, where any error is the end. */
export async function requireTemplates(
  options: Parameters<typeof findTemplates>[0] & { readonly onWarning: (message: string) => void },
): Promise<Pick<FoundTemplates, 'templates' | 'packages'>> {
  const { diagnostics, ...found } = await findTemplates(options);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw definitionError(errors);
  for (const { message } of diagnostics) options.onWarning(message);
  return found;
}

type TaskCode = Extract<StepCode, { readonly kind: 'task' }>;
type Problem = Pick<Diagnostic, 'code' | 'message' | 'help'>;
type Found =
  | {
      readonly ok: true;
      readonly template: Template;
      readonly package: TaskPackage;
      /** It was executed before, so it has whatever its script connects. */
      readonly ran: boolean;
    }
  | { readonly ok: false; readonly problem: Problem };

async function findTemplate(options: {
  readonly store: Store | undefined;
  readonly paths: PackagePlace;
  readonly code: TaskCode;
}): Promise<Found> {
  const { store, paths, code } = options;
  const record = await lookUp(store, code.base);
  if (record === undefined) return { ok: false, problem: await unknown(store, code.base) };
  const { script } = record;
  const what = `the task ${called(record)}`;
  if (script?.package === undefined) return { ok: false, problem: withoutCode(record, what) };
  if (!code.clone && record.status !== 'created') {
    return {
      ok: false,
      problem: {
        code: 'base-task-not-draft',
        message: `${what} is ${record.status}, and cloneBaseTask: false executes the task itself, which must be a draft`,
        help: 'Leave cloneBaseTask out, so that a clone is executed, or make a new draft of it: run-pipeline task clone.',
      },
    };
  }
  const found = await ensurePackage(paths, script.package);
  if (found === undefined) {
    return {
      ok: false,
      problem: {
        code: 'base-task-package',
        message: `${what} has lost its code: the package ${script.package} is missing or damaged`,
        help: `Make it again: ${createCommand(record)}`,
      },
    };
  }
  const { id, project, name, type, tags, comment, parameters, configurations } = record;
  const template: Template = {
    task: id,
    project,
    name,
    type,
    tags,
    comment,
    parameters,
    configurations,
    script: { ...script, package: script.package },
  };
  return { ok: true, template, package: madeEarlier(found), ran: record.startedAt !== undefined };
}

async function lookUp(store: Store | undefined, base: TaskCode['base']): Promise<TaskRecord | undefined> {
  if (store === undefined) return undefined;
  if ('id' in base) return store.readTask(base.id as TaskId);
  const [newest] = await store.findTasks({ ...inProject(base), name: base.name, limit: 1 });
  return newest;
}

const inProject = ({ project }: { readonly project: string | undefined }): { readonly project?: string } =>
  project === undefined ? {} : { project };

const called = ({
  project,
  name,
}: {
  readonly project: string | undefined;
  readonly name: string;
}): string => (project === undefined ? `"${name}"` : `"${name}" of project "${project}"`);

function withoutCode(record: TaskRecord, what: string): Problem {
  const isController = record.script?.launch !== undefined || record.type === 'controller';
  return {
    code: 'base-task-without-code',
    message: isController
      ? `${what} is the controller of a pipeline, which cannot be a step`
      : `${what} holds no code that could be executed`,
    help: isController
      ? 'Name a task that was made of a script.'
      : `Make it of a script: ${createCommand(record)}`,
  };
}

/** How many tasks are compared with a name that none of them has. */
const MOST_COMPARED = 2_000;

async function unknown(store: Store | undefined, base: TaskCode['base']): Promise<Problem> {
  const known = store === undefined ? [] : await store.findTasks({ limit: MOST_COMPARED });
  if ('id' in base) {
    return {
      code: 'unknown-base-task',
      message: `there is no task ${base.id}${didYouMean(
        base.id,
        known.map(({ id }) => id),
      )}`,
      help: 'run-pipeline task ls shows the tasks there are; baseTaskName finds the newest of a name.',
    };
  }
  const own = known.filter(({ project }) => base.project === undefined || project === base.project);
  const elsewhere = known.find(({ name, project }) => name === base.name && project !== base.project);
  const suggestion =
    didYouMean(
      base.name,
      own.map(({ name }) => name),
    ) || (elsewhere === undefined ? '' : ` (there is one in project "${elsewhere.project}")`);
  return {
    code: 'unknown-base-task',
    message: `there is no task ${called(base)}${suggestion}`,
    help: `Make it, once: ${createCommand(base)}, or run a script that has Task.init with this name.`,
  };
}

function createCommand(task: {
  readonly project: string | undefined;
  readonly name: string;
  readonly script?: TaskScript | undefined;
}): string {
  const file = task.script?.file ?? 'SCRIPT.ts';
  const project = task.project === undefined ? '' : ` --project ${quoted(task.project)}`;
  return `run-pipeline task create ${file}${project} --name ${quoted(task.name)}`;
}

const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
