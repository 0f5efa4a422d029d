import { RunPipelineError } from '../model/errors.js';
import type { Reference } from './reference.js';

/**
 * The grammar of references inside text.
 *
 * ```
 * $<BODY>  ${BODY}   a reference; `${…}` stays text where BODY does not parse, `$<…>` is an error then
 * $$<  $${           text: `$<` and `${`
 * BODY    = pipeline.NAME PATH
 *         | STEP.NAME PATH | STEP.id | STEP.artifacts.NAME.NAME | STEP.parameters.SECTION/NAME
 * STEP    = NAME | NAME[INDEX]
 * NAME    = [A-Za-z_][\w-]*
 * PATH    = (.PART)*         PART: letters and digits of any script, `_`, `-`
 * ```
 *
 * A run of dollars before `<` or `{` is read in pairs, each pair one dollar of text, so that every text
 * can be written: `$$$<a.b>` is a dollar and a reference. Each character is looked at a bounded number
 * of times: a body never holds `$`, so no two attempts to read one overlap.
 */
export type Template =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'reference'; readonly reference: Reference }
  | { readonly kind: 'template'; readonly parts: readonly (string | Reference)[] };

/** Finds the references in a text. Throws `RunPipelineError` (`invalid-reference`) and nothing else. */
export function parseTemplate(text: string): Template {
  // Nearly every reference is one of these; ten thousand steps are read in a few milliseconds so.
  const [, step, name] = PLAIN.exec(text) ?? [];
  if (step !== undefined && name !== undefined && step !== 'pipeline' && !MEANINGFUL.has(name)) {
    return { kind: 'reference', reference: { kind: 'return', step, name, path: [], text } };
  }
  const parts: (string | Reference)[] = [];
  let literal = '';
  let from = 0;
  let at = text.indexOf('$');
  while (at >= 0) {
    let opening = at + 1;
    while (text.charCodeAt(opening) === DOLLAR) opening++;
    const bracket = text.charAt(opening);
    if (bracket !== '<' && bracket !== '{') {
      at = text.indexOf('$', opening);
      continue;
    }
    const dollars = opening - at;
    literal += text.slice(from, at) + '$'.repeat(dollars >> 1);
    from = opening;
    if (dollars % 2 === 1) {
      const end = endOfBody(text, opening + 1);
      const closed = text.charAt(end) === (bracket === '<' ? '>' : '}');
      const read = closed
        ? parseBody(text.slice(opening + 1, end), text.slice(opening - 1, end + 1))
        : undefined;
      if (read !== undefined && typeof read !== 'string') {
        if (literal !== '') parts.push(literal);
        parts.push(read);
        literal = '';
        from = end + 1;
      } else if (bracket === '<') {
        throw invalidReference(text, opening, read);
      } else {
        literal += '$';
      }
    }
    at = text.indexOf('$', from);
  }
  literal += text.slice(from);
  if (parts.length === 0) return { kind: 'literal', text: literal };
  if (literal !== '') parts.push(literal);
  const [first] = parts;
  if (parts.length === 1 && first !== undefined && typeof first !== 'string') {
    return { kind: 'reference', reference: first };
  }
  return { kind: 'template', parts };
}

/** Text that parses to exactly this text, whatever it holds. */
export function escapeText(text: string): string {
  // The look-behind starts a match only where a run starts: without it a long run costs its square.
  return text.replace(/(?<!\$)\$+(?=[<{])/g, (dollars) => dollars + dollars);
}

/** The reference as one writes it: `$<step_one.data_frame.0>`. */
export function formatReference(reference: Reference): string {
  return `$<${referenceBody(reference)}>`;
}

/** What a template parses from, with text escaped. */
export function formatTemplate(parts: readonly (string | Reference)[]): string {
  let text = '';
  let literal = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      literal += part;
      continue;
    }
    // Dollars at the end would pair with the dollar that follows: escaped as if a bracket came next.
    text += escapeText(`${literal}<`).slice(0, -1) + formatReference(part);
    literal = '';
  }
  return text + escapeText(literal);
}

const PLAIN = /^\$<([A-Za-z_][\w-]*)\.([A-Za-z_][\w-]*)>$/;
const MEANINGFUL: ReadonlySet<string> = new Set(['id', 'artifacts', 'parameters']);
const NAME = /^[A-Za-z_][\w-]*$/;
const STEP = /^([A-Za-z_][\w-]*)(?:\[(0|[1-9]\d{0,8})\])?$/;
const PART = /^[\p{L}\p{M}\p{N}_-]+$/u;
const TASK_PARAMETER = /^([\p{L}\p{M}\p{N}_-]+)\/([\p{L}\p{M}\p{N}_./[\]-]+)$/u;
const NOT_BODY = /[^\p{L}\p{M}\p{N}_./[\]-]/gu;
const DOLLAR = 36;

/** What a step, a return or a parameter may be called. */
export const isName = (text: string): boolean => NAME.test(text);

/** `score[3]` is element 3 of `score`; any other name is not an element. */
export function elementOf(step: string): { readonly step: string; readonly index: number } | undefined {
  if (!step.endsWith(']')) return undefined;
  const match = STEP.exec(step);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { step: match[1], index: Number(match[2]) };
}

function endOfBody(text: string, from: number): number {
  NOT_BODY.lastIndex = from;
  return NOT_BODY.exec(text)?.index ?? text.length;
}

/** The reference, or why it is none. */
function parseBody(body: string, text: string): Reference | string {
  const [head = '', second, ...rest] = body.split('.');
  if (head === 'pipeline') {
    if (second === undefined) return 'a parameter is missing: `$<pipeline.NAME>`';
    if (!NAME.test(second)) return notAName(second, 'parameter');
    return badPart(rest) ?? { kind: 'parameter', name: second, path: rest, text };
  }
  if (!STEP.test(head)) return head === '' ? 'it is empty' : notAName(head, 'step');
  if (second === undefined)
    return `it names no return: \`$<${head}.RETURN>\`, or \`$<${head}.result>\` if none is declared`;
  switch (second) {
    case 'id':
      return rest.length === 0 ? { kind: 'id', step: head, text } : 'nothing can follow `id`';
    case 'artifacts': {
      const [name, attribute, ...more] = rest;
      if (name === undefined || attribute === undefined || more.length > 0) {
        return `artifacts are written \`$<${head}.artifacts.NAME.url>\` (or hash, size, type, …)`;
      }
      if (!NAME.test(name)) return notAName(name, 'artifact');
      if (!NAME.test(attribute)) return notAName(attribute, 'attribute');
      return { kind: 'artifact', step: head, name, attribute, text };
    }
    case 'parameters': {
      const [, section, name] = TASK_PARAMETER.exec(rest.join('.')) ?? [];
      if (section === undefined || name === undefined) {
        return `task parameters are written \`$<${head}.parameters.SECTION/NAME>\``;
      }
      return { kind: 'task-parameter', step: head, section, name, text };
    }
    default:
      if (!NAME.test(second)) return notAName(second, 'return');
      return badPart(rest) ?? { kind: 'return', step: head, name: second, path: rest, text };
  }
}

function notAName(text: string, what: string): string {
  return text === '' ? `the name of the ${what} is empty` : `\`${text}\` cannot be the name of a ${what}`;
}

function badPart(path: readonly string[]): string | undefined {
  const bad = path.find((part) => !PART.test(part));
  if (bad === undefined) return undefined;
  if (bad === '') return 'a part of the path is empty';
  const index = /^(.*)\[(\d+)\]$/.exec(bad);
  return index === null
    ? `\`${bad}\` cannot be a part of a path`
    : `indexes are written \`${index[1] ?? ''}.${index[2] ?? ''}\`, not \`${bad}\``;
}

function referenceBody(reference: Reference): string {
  switch (reference.kind) {
    case 'parameter':
      return ['pipeline', reference.name, ...reference.path].join('.');
    case 'return':
      return [reference.step, reference.name, ...reference.path].join('.');
    case 'id':
      return `${reference.step}.id`;
    case 'artifact':
      return `${reference.step}.artifacts.${reference.name}.${reference.attribute}`;
    case 'task-parameter':
      return `${reference.step}.parameters.${reference.section}/${reference.name}`;
    default:
      return reference satisfies never;
  }
}

function invalidReference(text: string, bracket: number, why: string | undefined): RunPipelineError {
  const close = text.indexOf('>', bracket);
  const end = close < 0 ? text.length : close + 1;
  const shown =
    end - bracket > 80 ? `${text.slice(bracket - 1, bracket + 79)}…` : text.slice(bracket - 1, end);
  const bad = NOT_BODY_CHARACTER.exec(text.slice(bracket + 1, close < 0 ? bracket + 1 : close))?.[0];
  const reason =
    why ??
    (close < 0
      ? '`>` is missing'
      : bad === undefined
        ? 'it is empty'
        : `\`${bad}\` cannot be in a reference`);
  return new RunPipelineError({
    kind: 'definition',
    code: 'invalid-reference',
    message: `\`${shown}\` is not a reference: ${reason}`,
    help: 'write $<STEP.RETURN> or $<pipeline.PARAMETER>; to keep it as text, write $$<',
  });
}

const NOT_BODY_CHARACTER = /[^\p{L}\p{M}\p{N}_./[\]-]/u;
