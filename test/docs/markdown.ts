import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../rig/scratch.js';

/** A page of the documentation. */
export interface Page {
  /** From the repository's root: `docs/guide/writing.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block. The words after its language say what the tests do with it (CONTRIBUTING.md). */
export interface Block {
  readonly page: string;
  /** Of its first line of code. */
  readonly line: number;
  readonly language: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly code: string;
}

/** Every page that a reader may open. */
export function pages(): readonly Page[] {
  const guide = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => `docs/${name}`);
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...guide.sort()].map((path) => ({
    path,
    text: readFileSync(join(repository, path), 'utf8'),
  }));
}

export function blocks(page: Page): readonly Block[] {
  const found: Block[] = [];
  let open:
    | { readonly fence: string; readonly info: string; readonly line: number; readonly code: string[] }
    | undefined;
  for (const [index, line] of page.text.split('\n').entries()) {
    const fence = /^\s*(`{3,})(.*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { fence: fence[1]!, info: fence[2]!.trim(), line: index + 2, code: [] };
    } else if (fence?.[1] === open.fence && fence[2] === '') {
      const [language = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(open.info)?.slice(1) ?? [];
      found.push({
        page: page.path,
        line: open.line,
        language,
        attributes: attributesOf(rest),
        code: open.code.join('\n'),
      });
      open = undefined;
    } else {
      open.code.push(line);
    }
  }
  if (open !== undefined) throw new Error(`${page.path}:${open.line}: this block does not end`);
  return found;
}

/** `no-run exit=1 run="--param a=b"` */
function attributesOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/([\w-]+)(?:=(?:"([^"]*)"|(\S+)))?/g);
  return new Map([...pairs].map(([, name, quoted, plain]) => [name!, quoted ?? plain ?? '']));
}

/** The text without its code, where `[…](…)` is a link. */
export const prose = (page: Page): string =>
  page.text
    .replace(/^(`{3,}).*\n[\s\S]*?^\1$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, '_'));

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(page: Page): ReadonlySet<string> {
  const taken = new Map<string, number>();
  const headings = page.text.replace(/^(`{3,}).*\n[\s\S]*?^\1$/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) => {
      const base = heading!
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-');
      const count = taken.get(base) ?? 0;
      taken.set(base, count + 1);
      return count === 0 ? base : `${base}-${count}`;
    }),
  );
}
