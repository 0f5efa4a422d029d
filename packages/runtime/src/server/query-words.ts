/** One word of a query bar: `status:failed`, `lr<0.01`, `text`. */
export type QueryWord =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | { readonly kind: 'compare'; readonly name: string; readonly operator: Operator; readonly value: string }
  | { readonly kind: 'text'; readonly text: string };

export type Operator = '<' | '<=' | '>' | '>=' | '=' | '!=';

/** Words are separated by blanks; quotes keep blanks, operators and colons together: `pipeline:"my pipe"`. */
export function queryWords(query: string): readonly QueryWord[] {
  return split(query).map(wordOf);
}

function split(query: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (const char of query) {
    if (char === '"') {
      quoted = !quoted;
      word += char;
    } else if (!quoted && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += char;
  }
  if (word !== '') words.push(word);
  return words;
}

function wordOf(word: string): QueryWord {
  if (word.startsWith('"')) return { kind: 'text', text: unquoted(word) };
  const compare = /^([^:<>=!"]+)(<=|>=|!=|<|>|=)(.*)$/s.exec(word);
  if (compare !== null) {
    const [, name, operator, value] = compare as unknown as [string, string, Operator, string];
    return { kind: 'compare', name, operator, value: unquoted(value) };
  }
  const field = /^([^:"]+):(.*)$/s.exec(word);
  if (field !== null) return { kind: 'field', name: field[1]!, value: unquoted(field[2]!) };
  return { kind: 'text', text: unquoted(word) };
}

const unquoted = (text: string): string => text.replaceAll('"', '');
