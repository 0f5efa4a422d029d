import { type PipelineDefinition, type TaskEdit, type TaskParameters } from '@run-pipeline/core/model';
import type { NewTask } from '@run-pipeline/core/ports';
import { sha256 } from '../../artifacts/sha256.js';
import { readGitState } from '../../project/git-state.js';
import type { Project } from '../../project/project.js';
import { PARAMETER_SECTION } from './draft.js';
import type { SharedValue } from '../launch/controller-code.js';

/**
 * The record of a pipeline's controller. Only controllers that go to agents, and drafts, have one: the run that
 * a process drives by itself says the same by its row and its launch, and costs nothing more.
 */
export async function controllerRecord(options: {
  readonly project: Project;
  readonly definition: PipelineDefinition;
  /** `examples/iris.ts#IrisPipeline`. */
  readonly source: string;
  readonly parameters: TaskParameters[string];
  /** What its clones are made of. */
  readonly launch?: SharedValue;
}): Promise<Omit<NewTask, 'id'>> {
  const { project, definition, launch } = options;
  const { diff: difference, ...state } = (await readGitState(project.root)) ?? {};
  const diff = difference === undefined ? undefined : textValue(difference);
  const edit: TaskEdit = {
    ...(definition.description === undefined ? {} : { comment: definition.description }),
    tags: definition.tags,
    parameters: { [PARAMETER_SECTION]: options.parameters },
    script: {
      file: options.source.slice(0, options.source.lastIndexOf('#')),
      ...(launch === undefined ? {} : { launch: launch.hash }),
      dependencies: {},
      node: process.versions.node,
      ...('commit' in state ? { git: { ...state, ...(diff === undefined ? {} : { diff: diff.hash }) } } : {}),
    },
  };
  return {
    project: definition.project,
    name: definition.name,
    type: 'controller',
    edit,
    values: [launch, diff].filter((value) => value !== undefined),
  };
}

function textValue(text: string): SharedValue {
  const bytes = Buffer.from(text);
  return { hash: sha256(bytes), bytes };
}
