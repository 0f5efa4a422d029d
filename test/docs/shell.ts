/** One simple command of a shell block: its words, without assignments, redirections and what it is piped to. */
export type Command = readonly string[];

/** The commands of a block, line by line. Knows as much of a shell as documentation needs. */
export function shellCommands(code: string): readonly Command[] {
  const joined = code.replace(/\\\n/g, ' ');
  return joined.split('\n').flatMap((line) => commandsOfLine(line));
}

function commandsOfLine(line: string): readonly Command[] {
  const commands: string[][] = [];
  let words: string[] = [];
  const close = (): void => {
    const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
    if (start >= 0) commands.push(words.slice(start));
    words = [];
  };
  // Quoted text, an operator, a comment, or anything else up to a space.
  const token =
    /\s*(?:(#.*$)|(&&|\|\||[|;&]|\d?>>?\s*\S+|<\s*\S+)|((?:'[^']*'|"[^"]*"|\\.|[^\s'"\\|;&<>])+))/g;
  for (const [, comment, operator, word] of line.matchAll(token)) {
    if (comment !== undefined) break;
    if (word !== undefined) words.push(unquote(word));
    else if (operator !== undefined && !/[<>]/.test(operator)) close();
  }
  close();
  return commands;
}

const unquote = (word: string): string =>
  word.replace(
    /'([^']*)'|"([^"]*)"|\\(.)/g,
    (_, single: string, double: string, escaped: string) => single ?? double ?? escaped,
  );
