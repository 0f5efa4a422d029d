import { INLINE_LIMIT, type Digest, type Report, type StoredArtifact } from '@run-pipeline/core/model';
import type { ArgumentValues, InputValue, TaskOutcome } from '../../workers/protocol.js';
import type { TaskContent } from './task-request.js';

/** Which blobs go with an attempt: what its worker reads, and what it left behind. Small values ride along elsewhere. */
export type EncodedInput = Extract<InputValue, { readonly kind: 'encoded' }>;

/** Every encoded value among the inputs, once. */
export function encodedInputs(
  content: Pick<TaskContent, 'arguments' | 'parameters'>,
): readonly EncodedInput[] {
  const found = new Map<Digest, EncodedInput>();
  const open = [...argumentsOf(content.arguments), ...content.parameters.map(([, value]) => value)];
  for (let input = open.pop(); input !== undefined; input = open.pop()) {
    if (input.kind === 'list') open.push(...input.items);
    else if (input.kind === 'object') open.push(...input.entries.map(([, value]) => value));
    else if (input.kind === 'encoded') found.set(input.hash, input);
  }
  return [...found.values()];
}

export const inputBlobs = (content: Pick<TaskContent, 'arguments' | 'parameters'>): readonly Digest[] =>
  encodedInputs(content).flatMap(({ hash, inline }) => (inline === undefined ? [hash] : []));

export const artifactBlobs = (artifacts: readonly StoredArtifact[]): readonly Digest[] =>
  artifacts.flatMap(({ record, inline }) =>
    inline === undefined && record.size > INLINE_LIMIT ? [record.hash] : [],
  );

export const reportBlobs = (reports: readonly Report[]): readonly Digest[] =>
  reports.flatMap((report) =>
    'artifact' in report && report.artifact.size > INLINE_LIMIT ? [report.artifact.hash] : [],
  );

/** What must be durable before the outcome is told. */
export const outcomeBlobs = (outcome: TaskOutcome): readonly Digest[] =>
  outcome.status === 'completed'
    ? [...artifactBlobs(outcome.artifacts), ...reportBlobs(outcome.reports)]
    : [];

function argumentsOf(given: ArgumentValues): readonly InputValue[] {
  switch (given.kind) {
    case 'none':
      return [];
    case 'positional':
      return given.values;
    case 'named':
      return given.values.map(([, value]) => value);
    default:
      return given satisfies never;
  }
}
