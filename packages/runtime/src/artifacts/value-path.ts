import { RunPipelineError } from '@run-pipeline/core/model';

/**
 * A place inside a value, as a chain towards the root, so that going down costs one small object and
 * the text is only made when an error or an annotation needs it.
 */
export interface Place {
  readonly parent: Place | undefined;
  /** The property or index in the written JSON (a Map is written as rows `[key, value]`, a Set as a list). */
  readonly key: string | number;
  /** How the user gets there in code; `written` means that `key` says it. */
  readonly via: Via;
}

export type Via =
  | { readonly kind: 'written' }
  /** A row of a Map: the place of the row itself; `mapKey` is the user's key. */
  | { readonly kind: 'map-row'; readonly mapKey: unknown }
  | { readonly kind: 'map-key' }
  | { readonly kind: 'set-member' }
  /** Nothing to show: a wrapper that only the format has. */
  | { readonly kind: 'hidden' };

export const WRITTEN: Via = { kind: 'written' };
export const HIDDEN: Via = { kind: 'hidden' };
export const MAP_KEY: Via = { kind: 'map-key' };
export const SET_MEMBER: Via = { kind: 'set-member' };

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const MAX_SHOWN = 60;

/** `model.layers[2].activate`, `counts.get("a")`, `tags (member 2)`. */
export function describePlace(root: string, place: Place): string {
  const parts: string[] = [];
  for (let at: Place | undefined = place; at?.parent !== undefined; at = at.parent)
    parts.push(describeStep(at));
  return root + parts.reverse().join('');
}

function describeStep({ key, via }: Place): string {
  switch (via.kind) {
    case 'written':
      if (typeof key === 'number') return `[${key}]`;
      return IDENTIFIER.test(key) ? `.${key}` : `[${quote(key)}]`;
    case 'map-row':
      return `.get(${describeMapKey(via.mapKey)})`;
    case 'map-key':
      return ' (the key)';
    case 'set-member':
      return ` (member ${key})`;
    case 'hidden':
      return '';
    default:
      return via satisfies never;
  }
}

function describeMapKey(key: unknown): string {
  if (typeof key === 'string') return quote(key);
  if (typeof key === 'bigint') return `${key}n`;
  return typeof key === 'object' || typeof key === 'function' ? 'an object' : String(key);
}

const quote = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);

/** What would come back different from what went in. `what` continues the path: `is a function`. */
export function artifactLossy(path: string, what: string, help?: string): RunPipelineError {
  return new RunPipelineError({
    kind: 'artifact',
    code: 'artifact-lossy',
    message: `${path} ${what}`,
    help: help ?? 'Return plain data instead, or teach its type with registerCodec().',
  });
}

/** Bytes that are not what they should be, or cannot be read as what they say they are. */
export function artifactDamaged(message: string, cause?: unknown): RunPipelineError {
  return new RunPipelineError({
    kind: 'artifact',
    code: 'artifact-damaged',
    message,
    help: 'Run the step that made it again (--refresh=STEP); storing it anew repairs it.',
    cause,
  });
}
