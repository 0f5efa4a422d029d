import {
  didYouMean,
  isSuccess,
  RunPipelineError,
  type RunId,
  type StepEnd,
  type StepName,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import { decodeStored } from '../step/values.js';

/** What `get` found: one artifact, or the array of a mapped step's elements in order. */
export type FoundArtifact =
  | { readonly kind: 'one'; readonly artifact: StoredArtifact }
  | { readonly kind: 'mapped'; readonly elements: readonly (StoredArtifact | undefined)[] };

/**
 * Finds `step.artifact` of a run; `step` alone means its only artifact, or `result`. A step name may
 * itself hold dots only in its index: the artifact is what follows the last one.
 */
export async function findArtifact(project: Project, run: RunId, reference: string): Promise<FoundArtifact> {
  const events = await project.store.readEvents(run, { types: ['run.start', 'step.add', 'step.end'] });
  const ends = new Map<string, StepEnd>();
  const elements = new Map<string, StepName[]>();
  const known = new Set<string>();
  for (const event of events) {
    if (event.type === 'step.end') ends.set(event.step, event);
    if (event.type !== 'run.start' && event.type !== 'step.add') continue;
    for (const node of event.steps) {
      known.add(node.name);
      if (node.of !== undefined) elements.set(node.of, [...(elements.get(node.of) ?? []), node.name]);
    }
  }
  const dot = reference.lastIndexOf('.');
  const [step, name] =
    known.has(reference) || dot < 0
      ? [reference, undefined]
      : [reference.slice(0, dot), reference.slice(dot + 1)];
  if (!known.has(step)) {
    throw notFound('unknown-step', `this run has no step "${step}"${didYouMean(step, known)}`);
  }
  const mapped = elements.get(step);
  if (mapped !== undefined || isEmptyMap(ends.get(step))) {
    const ordered = [...(mapped ?? [])].sort((a, b) => indexOf(a) - indexOf(b));
    const found = await Promise.all(
      ordered.map(async (element) =>
        pick(await project.store.readArtifacts(run, element), element, name, true),
      ),
    );
    return { kind: 'mapped', elements: found };
  }
  const end = ends.get(step);
  if (end === undefined) throw notFound('not-ended', `step ${step} has not ended yet`);
  const artifact = pick(await project.store.readArtifacts(run, end.step), step, name, false);
  if (artifact === undefined) {
    const why = isSuccess(end.status)
      ? `it has ${listed(end)}`
      : end.status === 'skipped' || end.status === 'aborted'
        ? `it was ${end.status}`
        : `it ${end.status}`;
    throw notFound(
      'unknown-artifact',
      `step ${step} has no artifact${name === undefined ? '' : ` "${name}"`}: ${why}`,
    );
  }
  return { kind: 'one', artifact };
}

/** The decoded value; every call decodes anew. */
export async function readArtifact(project: Project, run: RunId, reference: string): Promise<unknown> {
  const found = await findArtifact(project, run, reference);
  if (found.kind === 'one') return decodeStored(project, found.artifact);
  return Promise.all(
    found.elements.map((artifact) => (artifact === undefined ? undefined : decodeStored(project, artifact))),
  );
}

function pick(
  artifacts: readonly StoredArtifact[],
  step: string,
  name: string | undefined,
  lenient: boolean,
): StoredArtifact | undefined {
  if (name !== undefined) return artifacts.find(({ record }) => record.name === name);
  const result = artifacts.find(({ record }) => record.name === 'result');
  if (result !== undefined || artifacts.length === 1) return result ?? artifacts[0];
  if (artifacts.length === 0 || lenient) return undefined;
  const names = artifacts.map(({ record }) => `${step}.${record.name}`).join(', ');
  throw notFound('several-artifacts', `step ${step} has several artifacts: ${names}`);
}

/** A step that completed without an attempt is a mapped one over an empty list. */
const isEmptyMap = (end: StepEnd | undefined): boolean => end?.status === 'completed' && end.attempt === 0;

const indexOf = (name: string): number => Number(/\[(\d+)\]$/.exec(name)?.[1] ?? 0);
const listed = (end: StepEnd): string =>
  end.artifacts.length === 0 ? 'none' : end.artifacts.map((artifact) => artifact.name).join(', ');
const notFound = (code: string, message: string): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code, message });
