/** What a person types to do the same as the page. */
export const resumeCommandOf = (run: string): string => `npx run-pipeline resume ${run}`;

/** Words as a POSIX shell reads them back. */
export const shellWords = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
