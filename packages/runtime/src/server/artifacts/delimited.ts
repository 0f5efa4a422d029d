import { DelimitedRows } from './page-of-value.js';

const MOST_COLUMNS = 500;

/**
 * The rows of a `.csv` or `.tsv` file (RFC 4180: quoted fields may hold delimiters, quotes and line
 * ends). The first row names the columns; a name that comes twice gets a number. Undefined when it does
 * not read as a table.
 */
export function readDelimited(text: string, delimiter: ',' | ';' | '\t'): DelimitedRows | undefined {
  const records = parse(text.startsWith('\ufeff') ? text.slice(1) : text, delimiter);
  const [head, ...rows] = records;
  if (head === undefined || head.length > MOST_COLUMNS) return undefined;
  return new DelimitedRows(distinct(head), rows);
}

/** What separates fields, by the first line: Excel writes semicolons in half of Europe. */
export function delimiterOf(fileName: string, text: string): ',' | ';' | '\t' {
  if (/\.tsv$/i.test(fileName)) return '\t';
  const line = text.slice(0, text.indexOf('\n') === -1 ? undefined : text.indexOf('\n'));
  const count = (char: string): number => line.split(char).length - 1;
  return count(';') > count(',') ? ';' : ',';
}

function parse(text: string, delimiter: string): string[][] {
  const records: string[][] = [];
  for (let at = 0; at < text.length; at++) {
    const record: string[] = [];
    for (;;) {
      const field = text[at] === '"' ? quoted(text, at, delimiter) : bare(text, at, delimiter);
      record.push(field.value);
      at = field.end;
      if (text[at] !== delimiter) break;
      at++;
    }
    // An empty line is no record.
    if (record.length > 1 || record[0] !== '') records.push(record);
  }
  return records;
}

interface Field {
  readonly value: string;
  /** The delimiter, the line end or the end of the text behind it. */
  readonly end: number;
}

function bare(text: string, start: number, delimiter: string): Field {
  const end = endOfField(text, start, delimiter);
  const value = text.slice(start, end);
  return { value: text[end] !== delimiter && value.endsWith('\r') ? value.slice(0, -1) : value, end };
}

function quoted(text: string, start: number, delimiter: string): Field {
  let value = '';
  for (let from = start + 1; ;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return { value: value + text.slice(from), end: text.length };
    value += text.slice(from, quote);
    // What stands between the last quote and the delimiter is part of nothing.
    if (text[quote + 1] !== '"') return { value, end: endOfField(text, quote + 1, delimiter) };
    value += '"';
    from = quote + 2;
  }
}

function endOfField(text: string, start: number, delimiter: string): number {
  let end = start;
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++;
  return end;
}

function distinct(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
