import { json, tinyBase, tinyMath, type ProjectState } from './project.js';
import type { Random } from './random.js';

/** A way to edit a project at random. */
export interface EditKind {
  readonly name: string;
  /** The contract says that no step may re-run because of it. */
  readonly neutral: boolean;
  /** The edited project, and what was done; undefined when there is nothing to edit. */
  apply(state: ProjectState, random: Random): Edited | undefined;
}

export interface Edited {
  readonly state: ProjectState;
  readonly what: string;
  /** A file to write again as it is. */
  readonly touch?: string;
}

const isSource = (name: string): boolean => /\.[cm]?[jt]s$/.test(name) && !name.startsWith('node_modules/');
const isHelper = (name: string): boolean => isSource(name) && name !== 'pipeline.ts';
const isTypeScript = (name: string): boolean => name.endsWith('.ts');

/** An edit of the text of one file. */
function inText(
  name: string,
  options: {
    readonly neutral?: boolean;
    readonly files: (name: string) => boolean;
    readonly edit: (text: string, random: Random, file: string) => string | undefined;
  },
): EditKind {
  return {
    name,
    neutral: options.neutral === true,
    apply(state, random) {
      const candidates = [...state.files.keys()].filter(options.files);
      if (candidates.length === 0) return undefined;
      const file = random.pick(candidates);
      const before = state.files.get(file)!;
      const after = options.edit(before, random, file);
      if (after === undefined || after === before) return undefined;
      return { state: withFiles(state, { [file]: after }), what: `${file}: ${firstChange(before, after)}` };
    },
  };
}

function withFiles(state: ProjectState, changed: Readonly<Record<string, string | undefined>>): ProjectState {
  const files = new Map(state.files);
  for (const [name, content] of Object.entries(changed)) {
    if (content === undefined) files.delete(name);
    else files.set(name, content);
  }
  return { ...state, files };
}

/** Writes files, or takes them away again if they are there. */
const toggled = (name: string, files: Readonly<Record<string, string>>, neutral = false): EditKind => ({
  name,
  neutral,
  apply(state) {
    const isThere = Object.keys(files).every((file) => state.files.has(file));
    const changed = isThere ? Object.fromEntries(Object.keys(files).map((file) => [file, undefined])) : files;
    const what = `${isThere ? '-' : '+'} ${Object.keys(files).join(', ')}`;
    return { state: withFiles(state, changed), what };
  },
});

const edited = (
  name: string,
  edit: (state: ProjectState, random: Random) => ProjectState,
  neutral = false,
): EditKind => ({
  name,
  neutral,
  apply: (state, random) => ({ state: edit(state, random), what: name }),
});

/** Replaces one match, chosen at random; `edit` gives undefined for a match to leave alone. */
function replaceOne(
  text: string,
  pattern: RegExp,
  random: Random,
  edit: (match: RegExpExecArray) => string | undefined,
): string | undefined {
  const matches = [...text.matchAll(pattern)].flatMap((match) => {
    const replacement = edit(match as RegExpExecArray);
    return replacement === undefined ? [] : [{ match, replacement }];
  });
  if (matches.length === 0) return undefined;
  const { match, replacement } = random.pick(matches);
  return text.slice(0, match.index) + replacement + text.slice(match.index + match[0].length);
}

/** Lines that lie at the top level, between statements. */
function topLevelGaps(text: string): number[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => (line === '' && index > 0 ? [index] : []));
}

function insertLines(text: string, at: number, added: readonly string[]): string {
  return text
    .split('\n')
    .toSpliced(at, 0, ...added)
    .join('\n');
}

/** Blocks of a file, separated by empty lines. */
const blocks = (text: string): string[] => text.trimEnd().split('\n\n');

const tsconfig =
  (options: (before: Record<string, unknown>) => Record<string, unknown>) =>
  (state: ProjectState): ProjectState => {
    const before = JSON.parse(state.files.get('tsconfig.json')!) as {
      compilerOptions: Record<string, unknown>;
    };
    const compilerOptions = options(before.compilerOptions);
    return withFiles(state, { 'tsconfig.json': json({ ...before, compilerOptions }) });
  };

const manifest =
  (change: (before: Record<string, unknown>) => Record<string, unknown>) =>
  (state: ProjectState): ProjectState =>
    withFiles(state, {
      'package.json': json(change(JSON.parse(state.files.get('package.json')!) as Record<string, unknown>)),
    });

const SHADOWING_TEXT = `const MARK = '?';
export const parseRows = (source) => source.trim().split(/\\s+/).map((word) => Number(word) + 1);
export const shout = (word) => word + MARK;
export const tag = (strings, ...values) => strings.length + values.join('+');
export const line = (...parts) => parts.join(' / ');
`;

export const EDIT_KINDS: readonly EditKind[] = [
  // What a program says.
  inText('number', {
    files: (name) => isSource(name),
    edit: (text, random) =>
      replaceOne(text, /(?<![\w.#$'/-])\d+(?![\w.'])/g, random, (match) =>
        isInDeclaration(text, match.index) ? undefined : String(Number(match[0]) + 1 + random.below(3)),
      ),
  }),
  inText('string', {
    files: isHelper,
    edit: (text, random) =>
      replaceOne(text, /'([^'\n]*)'/g, random, (match) =>
        /\b(?:from|import|require)\b|import\(|pipe\.|returns|PipelineController|addParameter/.test(
          lineOf(text, match.index),
        )
          ? undefined
          : `'${match[1]}${random.pick(['x', 'é', ' ', '"'])}'`,
      ),
  }),
  inText('operator', {
    files: (name) => isSource(name) && name.startsWith('helpers/'),
    edit: (text, random) =>
      replaceOne(text, / ([+*<]|<=|\?\?) /g, random, (match) => {
        const others: Readonly<Record<string, string>> = {
          '+': '-',
          '*': '+',
          '<': '<=',
          '<=': '<',
          '??': '||',
        };
        return ` ${others[match[1]!]!} `;
      }),
  }),
  inText('statement in a function', {
    files: (name) => isSource(name) && !name.endsWith('pipeline.ts'),
    edit: (text, random) =>
      replaceOne(
        text,
        /\n {2}return /g,
        random,
        (match) => `\n  if (${random.below(9)} > 9) throw new Error('never');${match[0]}`,
      ),
  }),
  inText('mutation at the top level', {
    files: (name) => name === 'helpers/registry.ts' || name === 'helpers/side-effect.ts',
    edit: (text, random, file) =>
      text +
      (file.endsWith('registry.ts')
        ? random.pick([
            `for (const [name, most] of [['tiny', ${random.below(9)}]] as const) registry.set(name, most);\n`,
            `Object.assign(labelOf, { extra: ${random.below(9)} });\n`,
            `const other${random.below(1e6)} = alias.set('other', ${random.below(99)});\n`,
            `{ registry.delete('${random.pick(['small', 'middle', 'side'])}'); }\n`,
            `[registry].forEach((each) => each.set('each', ${random.below(40)}));\n`,
          ])
        : `registry.set('late', ${random.below(60)});\n`),
  }),
  inText('prototype', {
    files: (name) => name === 'helpers/shapes.ts',
    edit: (text, random) =>
      text +
      random.pick([
        `\nSquare.prototype.area = function () { return ${random.below(90)}; };\n`,
        `\nObject.defineProperty(Shape.prototype, 'name', { get: () => 'proto${random.below(90)}' });\n`,
        `\nSquare.kind = 'kind${random.below(90)}';\n`,
        `\nconst again${random.below(1e6)} = Square; Reflect.set(again${'$'}, 'kind', 'reflected');\n`.replaceAll(
          'again$',
          `Square`,
        ),
      ]),
  }),
  inText('default parameter', {
    files: (name) => name === 'helpers/numbers.ts',
    edit: (text) =>
      text
        .replace(/offset = (?:OFFSET \+ )?/, 'offset = OFFSET + ')
        .replace(/OFFSET \+ OFFSET \+ /, 'OFFSET + '),
  }),
  inText('barrel', {
    files: (name) => name === 'helpers/index.ts',
    edit: (text, random) =>
      /export const OFFSET/.test(text)
        ? text.replace(/export const OFFSET.*\n/, '')
        : `${text}export const OFFSET = ${random.below(50)};\n`,
  }),
  inText('pipeline parameter', {
    files: (name) => name === 'pipeline.ts',
    edit: (text, random) =>
      text.replace(/(factor = |name: 'factor', default: )\d+/, `$1${1 + random.below(9)}`),
  }),

  // What a program is made of beside its sources.
  inText('json', {
    files: (name) => name === 'helpers/table.json',
    edit: (text, random) => text.replace(/\d+/, String(random.below(100))),
  }),
  inText('input file', {
    files: (name) => name === 'data/input.txt',
    edit: (_, random) => `${[1, 2, 3, 4].map(() => random.below(40)).join(' ')}\n`,
  }),
  inText('asset', {
    files: (name) => name === 'asset.txt',
    edit: (text, random) => `${random.pick(['delta', 'eps', 'zeta'])} ${text}`.slice(0, 80),
  }),
  edited('environment', (state, random) => ({
    ...state,
    environment: random.chance(0.3) ? {} : { MUTATE_REGION: random.pick(['north', 'south', 'east', '']) },
  })),
  edited('launch parameter', (state, random) => ({
    ...state,
    parameters: random.chance(0.3)
      ? {}
      : random.chance(0.5)
        ? { factor: String(random.below(9)) }
        : { title: random.pick(['a', 'b', 'report']) },
  })),
  edited('package version', (state, random) => {
    const patch = random.below(4);
    return withFiles(state, tinyMath(`1.0.${patch}`, 2 + patch));
  }),
  edited('transitive package version', (state, random) => {
    const patch = random.below(4);
    return withFiles(state, tinyBase(`2.0.${patch}`, 5 + patch));
  }),
  edited('package patched in place', (state, random) =>
    withFiles(state, {
      'node_modules/tiny-math/index.js': tinyMath('', 2 + random.below(5))[
        'node_modules/tiny-math/index.js'
      ]!,
    }),
  ),
  edited('transitive package patched in place', (state, random) =>
    withFiles(state, {
      'node_modules/tiny-base/index.js': tinyBase('', 5 + random.below(5))[
        'node_modules/tiny-base/index.js'
      ]!,
    }),
  ),
  toggled('nested package', tinyBase('2.5.0', 25, 'node_modules/tiny-math/')),
  toggled('shadowing file', { 'helpers/text.js': SHADOWING_TEXT }),
  toggled('shadowing file of a barrel', {
    'helpers/rounding.js': 'export const round = (value) => Math.floor(value);\n',
  }),
  toggled('shadowing directory index', { 'helpers/parts/index.js': "export const part = () => 'shadow';\n" }),
  toggled('shadowing package of the workspace', {
    'packages/node_modules/tiny-base/package.json': json({
      name: 'tiny-base',
      version: '9.0.0',
      main: 'i.js',
    }),
    'packages/node_modules/tiny-base/i.js': 'exports.base = 9;\n',
  }),
  edited('tsconfig paths', (state, random) => {
    const target = random.pick(['./helpers/*', './other/*']);
    const other = withFiles(state, { 'other/aliased.ts': "export const aliased = 'by other path';\n" });
    return tsconfig((before) => ({ ...before, paths: { '~/*': [target, './helpers/*'] } }))(other);
  }),
  edited('package imports', (state, random) => {
    const other = withFiles(state, { 'other/mapped.ts': "export const mapped = 'by other map';\n" });
    return manifest((before) => ({
      ...before,
      imports: { '#mapped': random.pick(['./helpers/mapped.ts', './other/mapped.ts']) },
    }))(other);
  }),
  edited('fields by definition or assignment', (state, random) =>
    tsconfig((before) => ({ ...before, useDefineForClassFields: random.chance(0.5) }))(state),
  ),
  edited('legacy decorators', (state, random) =>
    tsconfig((before) => ({ ...before, experimentalDecorators: random.chance(0.5) }))(state),
  ),
  edited('package entry', (state, random) => {
    const name = 'node_modules/tiny-math/package.json';
    const before = JSON.parse(state.files.get(name)!) as Record<string, unknown>;
    const exports = random.pick(['./index.js', { node: './other.js', default: './index.js' }]);
    return withFiles(state, {
      [name]: json({ ...before, exports }),
      'node_modules/tiny-math/other.js': 'export const price = (value) => value - 1;\n',
    });
  }),

  // What no result can depend on.
  inText('comment', {
    neutral: true,
    files: isSource,
    edit: (text, random) => {
      const at = random.pick([0, ...topLevelGaps(text)]);
      return insertLines(text, at, [
        random.pick(['// a note', '/** about this */', '/* block\n * of text */']),
      ]);
    },
  }),
  inText('comment inside', {
    neutral: true,
    files: isSource,
    edit: (text, random) =>
      replaceOne(text, /;\n/g, random, () => random.pick(['; // why\n', ';\n// next\n', '; /* so */\n'])),
  }),
  inText('indentation', {
    neutral: true,
    files: isSource,
    edit: (text) => text.replace(/^( +)/gm, '$1$1'),
  }),
  inText('empty lines', {
    neutral: true,
    files: isSource,
    edit: (text) => text.replaceAll('\n', '\n\n'),
  }),
  inText('line ends', {
    neutral: true,
    files: (name) => isSource(name),
    edit: (text) => (text.includes('\r') ? text.replaceAll('\r', '') : text.replaceAll('\n', '\r\n')),
  }),
  inText('order of specifiers', {
    neutral: true,
    files: isTypeScript,
    edit: (text, random) =>
      replaceOne(text, /import \{ ([^}]+) \} from/g, random, (match) => {
        const names = match[1]!.split(', ');
        return names.length < 2 ? undefined : `import { ${names.toReversed().join(', ')} } from`;
      }),
  }),
  inText('order of functions', {
    neutral: false,
    files: (name) => name === 'helpers/text.ts' || name === 'helpers/numbers.ts',
    edit: (text, random) => {
      const all = blocks(text.replaceAll('\r', ''));
      const movable = all.flatMap((block, index) => (block.startsWith('export function') ? [index] : []));
      if (movable.length < 2) return undefined;
      const [one, two] = [random.pick(movable), random.pick(movable)];
      const swapped = all.with(one, all[two]!).with(two, all[one]!);
      return `${swapped.join('\n\n')}\n`;
    },
  }),
  inText('unused declaration', {
    neutral: true,
    files: (name) => isTypeScript(name) && isSource(name),
    edit: (text, random) => {
      const id = random.below(1e6);
      return `${text}\n${random.pick([
        `const unused${id} = ${id};`,
        `function unused${id}(): number { return ${id}; }`,
        `interface Unused${id} { readonly a: number }`,
        `type Unused${id} = string;`,
        `export const offered${id} = ${id};`,
        `export class Offered${id} {}`,
      ])}\n`;
    },
  }),
  inText('types', {
    neutral: true,
    files: isTypeScript,
    edit: (text, random) => replaceOne(text, /: (number|string)(?=[,);= ])/g, random, () => ': any'),
  }),
  {
    name: 'touch',
    neutral: true,
    apply(state, random) {
      const touch = random.pick([...state.files.keys()]);
      return { state, what: touch, touch };
    },
  },
  edited(
    'a manifest field that means nothing',
    manifest((before) => ({ ...before, description: `${String(before['description'] ?? '')}.` })),
    true,
  ),
  edited(
    'strictness',
    tsconfig((before) => ({ ...before, strict: before['strict'] !== true })),
    true,
  ),
  toggled('a file nobody imports', { 'helpers/nobody.ts': 'export const nobody = 1;\n' }, true),
  toggled(
    'a package nobody imports',
    { 'node_modules/nobody/package.json': json({ name: 'nobody', version: '1.0.0' }) },
    true,
  ),
  {
    name: 'nothing',
    neutral: true,
    apply: (state) => ({ state, what: 'nothing' }),
  },
];

/** Names, references, versions and return lists of the pipeline stay as they are. */
function isInDeclaration(text: string, index: number): boolean {
  return (
    /@(?:Step|Pipeline)|returns:|PipelineController|\.toString/.test(lineOf(text, index)) &&
    !/inputs: \{/.test(lineOf(text, index))
  );
}

function lineOf(text: string, index: number): string {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end === -1 ? text.length : end);
}

function firstChange(before: string, after: string): string {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const at = fresh.findIndex((line, index) => line !== old[index]);
  return at === -1
    ? `${old.length} to ${fresh.length} lines`
    : `line ${at + 1}: ${fresh[at]!.trim().slice(0, 90)}`;
}
