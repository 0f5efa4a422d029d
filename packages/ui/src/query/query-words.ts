/** The query bar's text as words: `status:failed lr<0.01 "two words"`. */
export const words = (text: string): readonly string[] => text.match(/"[^"]*"?|\S+/g) ?? [];

export const hasWord = (text: string, word: string): boolean => words(text).includes(word);

/** The same without the word, or with it at the end. */
export const toggleWord = (text: string, word: string): string =>
  hasWord(text, word)
    ? words(text)
        .filter((each) => each !== word)
        .join(' ')
    : [...words(text), word].join(' ');

export interface Completion {
  /** What the last word would become. */
  readonly word: string;
  readonly says: string;
}

/** What could be meant with the word that is being typed. */
export function completions(
  text: string,
  known: {
    readonly statuses: readonly string[];
    readonly projects: readonly string[];
    readonly parameters: readonly string[];
    readonly metrics: readonly string[];
  },
): readonly Completion[] {
  const last = /\s$/.test(text) ? '' : (words(text).at(-1) ?? '');
  const all: readonly Completion[] = [
    ...known.statuses.map((status) => ({ word: `status:${status}`, says: 'status' })),
    ...known.projects.map((project) => ({ word: `project:${quoted(project)}`, says: 'project' })),
    ...known.parameters.map((name) => ({ word: `${name}=`, says: 'parameter' })),
    ...known.metrics.map((name) => ({ word: `${name}>=`, says: 'metric' })),
  ];
  if (last === '') return text === '' ? all.slice(0, 8) : [];
  const wanted = last.toLowerCase();
  return all.filter(({ word }) => word.toLowerCase().includes(wanted) && word !== last).slice(0, 8);
}

export function complete(text: string, word: string): string {
  const before = /\s$/.test(text) ? words(text) : words(text).slice(0, -1);
  // After an operator a value is typed next, after a whole word another one.
  return [...before, word].join(' ') + (/[=<>:]$/.test(word) ? '' : ' ');
}

const quoted = (text: string): string => (/\s/.test(text) ? `"${text}"` : text);
