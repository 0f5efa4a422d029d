import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { pages } from './markdown.js';
import { query, watchRun } from '../rig/command.js';

/** What `docs/guide/command-line.md` says of `--json`, held against what the commands print. */
const { text } = pages().find(({ path }) => path === 'docs/guide/command-line.md')!;
const section = (heading: string): string => text.split(/^### /m).find((part) => part.startsWith(heading))!;

/** `{id, steps: [{name}], from?}` -> its keys, and which of them may be absent. */
function keysOf(shape: string): { readonly all: readonly string[]; readonly required: readonly string[] } {
  const flat = shape
    .replace(/^\[|\]$/g, '')
    .replace(/^\{|\}$/g, '')
    .replace(/\[[^[\]]*\]|\{[^{}]*\}/g, '')
    .replace(/\[[^[\]]*\]|\{[^{}]*\}/g, '');
  const words = flat.split(',').map((word) => word.replace(/:.*/, '').trim());
  return {
    all: words.map((word) => word.replace('?', '')).sort(),
    required: words.filter((word) => !word.endsWith('?')),
  };
}

const rowsOf = (heading: string): ReadonlyMap<string, string> =>
  new Map(
    [...section(heading).matchAll(/^\| `([\w.]+)`\s*\| (.*?)\s*\|$/gm)].map(([, name, cell]) => [
      name!,
      cell!.replaceAll('\\|', '|'),
    ]),
  );

function compare(what: string, shape: string, document: unknown): void {
  const { all, required } = keysOf(shape);
  const keys = Object.keys(document as object);
  expect({ what, undocumented: keys.filter((key) => !all.includes(key)) }).toEqual({
    what,
    undocumented: [],
  });
  expect({ what, missing: required.filter((key) => !keys.includes(key)) }).toEqual({ what, missing: [] });
}

const PIPELINE = `
import { Pipeline, Step, currentTask, each } from 'run-pipeline';
@Pipeline({ name: 'shapes', cache: true })
export class Shapes {
  @Step({ returns: ['words'], monitorMetrics: ['rows'], monitorArtifacts: ['words'] }) load() {
    currentTask().logger.reportSingleValue('rows', 2);
    return ['a', 'bb'];
  }
  @Step({ inputs: [each('$<load.words>')] }) measure(word: string) {
    console.log(word);
    currentTask().logger.reportSingleValue('length', word.length);
    return word.length;
  }
  @Step({ inputs: ['$<measure.result>'], retry: { retries: 1, backoff: 1 } }) fail(lengths: number[]) {
    throw new Error(String(lengths));
  }
}
`;

test('the documents of --json are those that the guide lists', async () => {
  const { directory } = scratch({ 'shapes.ts': PIPELINE });
  const cwd = { cwd: directory };
  const { events } = await watchRun(['shapes.ts'], cwd);
  const documented = rowsOf('Events of a run');
  for (const event of events) {
    const fields = documented.get(event.type);
    expect(fields, event.type).toBeDefined();
    const names = [...fields!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.replace(/:.*/, ''));
    compare(event.type, ['v', 'seq', 'ts', 'type', 'run', ...names].join(', '), event);
  }
  const seen = new Set(events.map(({ type }) => type));
  expect([...documented.keys()].filter((type) => !seen.has(type as never))).toEqual(['run.resume']);

  const documents = rowsOf('Documents');
  const shown = (command: string): string => /`([^`]+)`/.exec(documents.get(command)!)![1]!;
  const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
  const commands: Readonly<Record<string, readonly string[]>> = {
    plan: ['plan', 'shapes.ts'],
    check: ['check', 'shapes.ts'],
    graph: ['graph', 'shapes.ts'],
    runs: ['runs'],
    show: ['show', 'latest'],
    why: ['why', 'latest', 'load'],
    diff: ['diff', 'latest', 'latest'],
    debug: ['debug', 'latest', 'load', '--inspect', '0', '--no-wait'],
    stop: ['stop', 'latest'],
    report: ['report', 'latest', '-o', 'report.html'],
    gc: ['gc', '--dry-run'],
    doctor: ['doctor'],
    init: ['init', 'other.ts'],
  };
  for (const [name, words] of Object.entries(commands)) {
    compare(name, shown(name), first(await query(words, cwd)));
  }
  // `ui` goes on until it is ended: the tests of the page start it.
  expect([...documents.keys()].filter((name) => !(name in commands))).toEqual(['get', 'ui']);
  expect(await query(['get', 'latest', 'load.words'], cwd)).toEqual(['a', 'bb']);
});
