import { closest } from '../model/did-you-mean.js';

/** Longer names, and candidates beyond these, are not compared: the cost is their product. */
const LONGEST = 64;
const MOST = 10_000;

/**
 * What to say about a name that does not exist, for `help`: ``did you mean `x`?``, else the known
 * names if they are few.
 *
 * @param noun What the names are, in the singular: `step`.
 */
export function suggestion(name: string, known: readonly string[], noun: string): string | undefined {
  const comparable = known.slice(0, MOST).filter((candidate) => candidate.length <= LONGEST);
  const meant = name.length > LONGEST ? undefined : closest(name, comparable);
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  if (known.length === 0) return `there are no ${noun}s`;
  if (known.length > 8) return undefined;
  return `known ${noun}s: ${known.map((candidate) => `\`${candidate}\``).join(', ')}`;
}
