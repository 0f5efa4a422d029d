import type { PipelineDefinition, StepDefinition } from '../model/definition.js';
import type { Diagnostic } from '../model/errors.js';
import type { SourceLocation } from '../model/source.js';
import { isName } from '../references/parse.js';
import { diagnostic } from './diagnose.js';

/** `$<pipeline.x>` is a parameter, never a step's return. */
export const RESERVED_STEPS: readonly string[] = ['pipeline'];
/** The first three have a meaning in references; a handle with a property `then` of its own would break awaiting it. */
export const RESERVED_RETURNS: readonly string[] = ['id', 'artifacts', 'parameters', 'then'];

/** Names go into references, file names and urls. */
const LONGEST_NAME = 200;

/** Names of steps, returns and parameters: well formed, not reserved, not twice. */
export function checkNames(definition: PipelineDefinition): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  unique(found, 'parameter', definition.parameters, definition.source);
  for (const parameter of definition.parameters) {
    wellFormed(found, 'parameter', parameter.name, parameter.source ?? definition.source);
  }
  unique(found, 'step', definition.steps, definition.source);
  for (const step of definition.steps) found.push(...checkStepNames(step, definition.source));
  return found;
}

/**
 * The names of one step: its own and its returns'. Steps of a pipeline function are checked by it when
 * they are issued, under the name of their node.
 */
export function checkStepNames(
  step: Pick<StepDefinition, 'name' | 'returns' | 'source'>,
  fallback?: SourceLocation,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const at = step.source ?? fallback;
  wellFormed(found, 'step', step.name, at);
  if (RESERVED_STEPS.includes(step.name)) {
    found.push(
      diagnostic({
        code: 'reserved-name',
        message: `a step cannot be called \`${step.name}\`: $<${step.name}.NAME> stands for a parameter`,
        at,
        help: 'give the step another name',
      }),
    );
  }
  checkReturns(found, step, at);
  return found;
}

function checkReturns(
  found: Diagnostic[],
  step: Pick<StepDefinition, 'name' | 'returns'>,
  at: SourceLocation | undefined,
): void {
  const seen = new Set<string>();
  for (const name of step.returns ?? []) {
    wellFormed(found, 'return', name, at, step.name);
    if (RESERVED_RETURNS.includes(name)) {
      found.push(
        diagnostic({
          code: 'reserved-name',
          message: `step \`${step.name}\`: a return cannot be called \`${name}\`; ${RESERVED_RETURNS.join(', ')} are reserved`,
          at,
          help: 'give the return another name',
        }),
      );
    }
    if (seen.has(name)) {
      found.push(
        diagnostic({
          code: 'duplicate-name',
          message: `step \`${step.name}\` declares the return \`${name}\` twice`,
          at,
        }),
      );
    }
    seen.add(name);
  }
}

function wellFormed(
  found: Diagnostic[],
  what: 'step' | 'return' | 'parameter',
  name: unknown,
  at: SourceLocation | undefined,
  owner?: string,
): void {
  if (typeof name === 'string' && isName(name) && name.length <= LONGEST_NAME) return;
  const shown = typeof name === 'string' ? `\`${name.slice(0, 80)}\`` : `a ${typeof name}`;
  const proposal = typeof name === 'string' ? properName(name) : undefined;
  found.push(
    diagnostic({
      code: 'invalid-name',
      message:
        `${owner === undefined ? '' : `step \`${owner}\`: `}${shown} cannot be the name of a ${what}: ` +
        (typeof name === 'string' && name.length > LONGEST_NAME
          ? `it is longer than ${LONGEST_NAME} characters`
          : 'names start with a letter or _, then letters, digits, _ and -'),
      at,
      ...(proposal === undefined ? {} : { help: `for example \`${proposal}\`` }),
    }),
  );
}

function properName(name: string): string | undefined {
  const proposal = name
    .slice(0, LONGEST_NAME)
    .replace(/[^\w-]+/g, '_')
    .replace(/^(?![A-Za-z_])/, '_');
  return isName(proposal) && /[A-Za-z0-9]/.test(proposal) ? proposal : undefined;
}

function unique(
  found: Diagnostic[],
  what: 'step' | 'parameter',
  list: readonly { readonly name: string; readonly source: SourceLocation | undefined }[],
  fallback: SourceLocation | undefined,
): void {
  const first = new Map<string, SourceLocation | undefined>();
  for (const { name, source } of list) {
    if (!first.has(name)) {
      first.set(name, source ?? fallback);
      continue;
    }
    found.push(
      diagnostic({
        code: 'duplicate-name',
        message: `there are two ${what}s called \`${name}\``,
        at: source ?? fallback,
        help: 'give one of them another name',
        related: [{ message: 'the first one is here', at: first.get(name) }],
      }),
    );
  }
}
