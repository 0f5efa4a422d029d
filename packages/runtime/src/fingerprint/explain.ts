import type { PreimagePart } from '@run-pipeline/core/ports';

/**
 * What changed between two fingerprints, as sentences that name the symbol, the parameter, the
 * package. The most telling first; empty when nothing did.
 */
export function explainChanges(
  before: readonly PreimagePart[],
  after: readonly PreimagePart[],
): readonly string[] {
  const sentences: string[] = [];
  const changes = differences(before, after);
  const of = (...kinds: PreimagePart['kind'][]): Difference[] =>
    changes.filter((item) => kinds.includes(item.kind));

  for (const item of of('input', 'file', 'parameter', 'configuration', 'key'))
    sentences.push(describeInput(item));
  const symbols = of('symbol');
  const codeChanged = of('code').length > 0;
  if (codeChanged) {
    for (const item of symbols.slice(0, MOST))
      sentences.push(`\`${item.name}\` (${where(item)}) ${verb(item)}`);
    if (symbols.length > MOST) sentences.push(`and ${symbols.length - MOST} more declarations changed`);
    if (symbols.length === 0) {
      const code = of('code')[0];
      sentences.push(`its code changed${code?.after?.where === undefined ? '' : ` (${code.after.where})`}`);
    }
  }
  const dependencies = of('dependency').filter((item) => item.name !== '(closure)');
  for (const item of dependencies.slice(0, MOST)) sentences.push(describeDependency(item));
  if (dependencies.length > MOST) sentences.push(`and ${dependencies.length - MOST} more packages changed`);
  if (dependencies.length === 0 && of('dependency').length > 0)
    sentences.push('its npm dependencies changed');
  for (const item of of('env')) sentences.push(`environment variable ${item.name} changed`);
  for (const item of of('asset')) sentences.push(`asset ${item.name} ${verb(item)}`);
  for (const item of of('version')) sentences.push(`cache version ${shown(item)}`);
  for (const item of of('returns')) sentences.push(`its returns changed: ${shown(item)}`);
  for (const item of of('platform')) sentences.push(`platform ${shown(item)}`);
  if (of('format').length > 0) sentences.push('the fingerprint format of run-pipeline changed');
  if (sentences.length === 0 && of('binding').length > 0) sentences.push('how its inputs are passed changed');
  return sentences;
}

/** Every part of the two, with what became of it; equal ones too, in the order of `after`, removed ones last. */
export function compareParts(
  before: readonly PreimagePart[],
  after: readonly PreimagePart[],
): readonly {
  readonly before: PreimagePart | undefined;
  readonly now: PreimagePart | undefined;
}[] {
  const old = group(before);
  const result: { readonly before: PreimagePart | undefined; readonly now: PreimagePart | undefined }[] = [];
  for (const [key, now] of group(after)) {
    const then = [...(old.get(key) ?? [])];
    old.delete(key);
    const same = now.map((part) => {
      const at = then.findIndex((item) => item.hash === part.hash);
      return at === -1 ? undefined : then.splice(at, 1)[0];
    });
    now.forEach((part, index) => result.push({ before: same[index] ?? then.shift(), now: part }));
    for (const part of then) result.push({ before: part, now: undefined });
  }
  for (const parts of old.values()) for (const part of parts) result.push({ before: part, now: undefined });
  return result;
}

const MOST = 5;

interface Difference {
  readonly kind: PreimagePart['kind'];
  readonly name: string;
  readonly before: PreimagePart | undefined;
  readonly after: PreimagePart | undefined;
}

function differences(before: readonly PreimagePart[], after: readonly PreimagePart[]): readonly Difference[] {
  const old = group(before);
  const result: Difference[] = [];
  for (const [key, now] of group(after)) {
    const then = old.get(key) ?? [];
    old.delete(key);
    const kept = new Set(then.map((part) => part.hash));
    const here = new Set(now.map((part) => part.hash));
    const gone = then.filter((part) => !here.has(part.hash));
    const come = now.filter((part) => !kept.has(part.hash));
    for (let i = 0; i < Math.max(gone.length, come.length); i++) result.push(difference(gone[i], come[i]));
  }
  for (const parts of old.values()) for (const part of parts) result.push(difference(part, undefined));
  return result;
}

function difference(before: PreimagePart | undefined, after: PreimagePart | undefined): Difference {
  const { kind, name } = (after ?? before) as PreimagePart;
  return { kind, name, before, after };
}

/** Parts by kind and name; symbols also by file, since two files may declare the same name. */
function group(parts: readonly PreimagePart[]): Map<string, PreimagePart[]> {
  const groups = new Map<string, PreimagePart[]>();
  for (const part of parts) {
    const file = part.kind === 'symbol' ? (part.where ?? '').replace(/:\d+$/, '') : '';
    const key = `${part.kind}\0${part.name}\0${file}`;
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [part]);
    else list.push(part);
  }
  return groups;
}

const where = (item: Difference): string => item.after?.where ?? item.before?.where ?? '?';
const verb = (item: Difference): string =>
  item.before === undefined ? 'is new' : item.after === undefined ? 'was removed' : 'changed';
const shown = (item: Difference): string =>
  `${item.before?.shown ?? '(none)'} -> ${item.after?.shown ?? '(none)'}`;

function describeInput(item: Difference): string {
  const noun = item.kind === 'key' ? 'cache key' : item.kind;
  const from = item.after?.where ?? item.before?.where;
  const name = `${noun} ${item.name}`;
  const both = item.before?.shown !== undefined && item.after?.shown !== undefined;
  if (both && item.before?.shown !== item.after?.shown)
    return `${name} ${shown(item)}${from === undefined ? '' : ` (${from})`}`;
  return `${name} ${verb(item)}${from === undefined ? '' : ` (${from})`}`;
}

function describeDependency(item: Difference): string {
  const through = item.after?.where ?? item.before?.where;
  const suffix = through === undefined ? '' : ` (${through})`;
  if (item.before === undefined) return `package ${item.name} ${item.after?.shown ?? ''} is new${suffix}`;
  if (item.after === undefined) return `package ${item.name} ${item.before.shown ?? ''} is gone${suffix}`;
  if (item.before.shown === item.after.shown)
    return `package ${item.name} ${item.after.shown ?? ''} changed its content${suffix}`;
  return `${item.name} ${item.before.shown ?? '?'} -> ${item.after.shown ?? '?'}${suffix}`;
}
