import type { StepCodeView } from '@run-pipeline/core/wire';

/** A stretch of a line of code: what kind of word it is, or nothing. */
export interface Word {
  readonly kind: string | undefined;
  readonly text: string;
}
export type Line = readonly Word[];
export type Language = StepCodeView['pieces'][number]['language'];

/** Kinds that have a colour of their own. */
const KINDS = new Set([
  'keyword',
  'string',
  'template-string',
  'number',
  'boolean',
  'comment',
  'function',
  'class-name',
  'regex',
  'builtin',
  'decorator',
  'property',
  'constant',
]);

/** Code as lines of words. Prism is loaded when the first code is shown; it makes no HTML here. */
export async function highlight(code: string, language: Language): Promise<readonly Line[]> {
  const { tokens } = await import('./prism.js');
  const lines: Word[][] = [[]];
  const add = (text: string, kind: string | undefined): void => {
    for (const [index, part] of text.split('\n').entries()) {
      if (index > 0) lines.push([]);
      if (part !== '') lines.at(-1)?.push({ kind, text: part });
    }
  };
  const walk = (all: ReturnType<typeof tokens>, kind: string | undefined): void => {
    for (const token of all) {
      if (typeof token === 'string') add(token, kind);
      else {
        const own = KINDS.has(token.type) ? token.type : kind;
        if (typeof token.content === 'string') add(token.content, own);
        else walk(Array.isArray(token.content) ? token.content : [token.content], own);
      }
    }
  };
  walk(tokens(code, language), undefined);
  return lines;
}

export const plainLines = (code: string): readonly Line[] =>
  code.split('\n').map((text) => (text === '' ? [] : [{ kind: undefined, text }]));
