import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { TrackedFiles } from './tracked-files.js';

/** What of a project's tsconfig.json changes the code that runs. */
export interface CompilerOptions {
  /** Absolute; where `paths` start. */
  readonly pathsBase: string | undefined;
  readonly baseUrl: string | undefined;
  readonly paths: Readonly<Record<string, readonly string[]>>;
  readonly experimentalDecorators: boolean;
  readonly useDefineForClassFields: boolean;
  readonly verbatimModuleSyntax: boolean;
  /** Passed on to esbuild as they are. */
  readonly jsx: Readonly<Record<string, unknown>>;
}

const NONE: CompilerOptions = {
  pathsBase: undefined,
  baseUrl: undefined,
  paths: {},
  experimentalDecorators: false,
  useDefineForClassFields: true,
  verbatimModuleSyntax: false,
  jsx: {},
};

const JSX_OPTIONS = ['jsx', 'jsxFactory', 'jsxFragmentFactory', 'jsxImportSource'];

/** Finds and reads the nearest tsconfig.json of a file, with what it extends. */
export class TsConfigs {
  readonly #files: TrackedFiles;
  readonly #byDirectory = new Map<string, CompilerOptions>();

  constructor(files: TrackedFiles) {
    this.#files = files;
  }

  of(file: string): CompilerOptions {
    return this.#inDirectory(dirname(file));
  }

  #inDirectory(directory: string): CompilerOptions {
    const known = this.#byDirectory.get(directory);
    if (known !== undefined) return known;
    const config = join(directory, 'tsconfig.json');
    const above = dirname(directory);
    const options = this.#files.isFile(config)
      ? complete(this.#read(config, new Set()))
      : above === directory
        ? NONE
        : this.#inDirectory(above);
    this.#byDirectory.set(directory, options);
    return options;
  }

  #read(file: string, seen: Set<string>): Raw {
    if (seen.has(file)) return {};
    seen.add(file);
    const json = parseJsonc(this.#files.read(file) ?? '{}');
    const own = (json['compilerOptions'] ?? {}) as Record<string, unknown>;
    const directory = dirname(file);
    const raw: Raw = {};
    for (const base of [json['extends']].flat()) {
      const parent = typeof base === 'string' ? this.#extended(base, directory) : undefined;
      if (parent !== undefined) Object.assign(raw, this.#read(parent, seen));
    }
    for (const [key, value] of Object.entries(own)) raw[key] = value;
    if (typeof own['baseUrl'] === 'string') raw['baseUrl'] = resolve(directory, own['baseUrl']);
    if (own['paths'] !== undefined) raw['pathsBase'] = directory;
    return raw;
  }

  #extended(name: string, directory: string): string | undefined {
    if (name.startsWith('.') || isAbsolute(name)) {
      const file = resolve(directory, name);
      return [file, `${file}.json`].find((candidate) => this.#files.isFile(candidate));
    }
    for (let at = directory; ; at = dirname(at)) {
      const inside = join(at, 'node_modules', name);
      const found = [inside, `${inside}.json`, join(inside, 'tsconfig.json')].find((candidate) =>
        this.#files.isFile(candidate),
      );
      if (found !== undefined || dirname(at) === at) return found;
    }
  }
}

type Raw = Record<string, unknown>;

function complete(raw: Raw): CompilerOptions {
  const target = typeof raw['target'] === 'string' ? raw['target'].toLowerCase() : undefined;
  const baseUrl = typeof raw['baseUrl'] === 'string' ? raw['baseUrl'] : undefined;
  const pathsBase = typeof raw['pathsBase'] === 'string' ? raw['pathsBase'] : undefined;
  return {
    baseUrl,
    pathsBase: baseUrl ?? pathsBase,
    paths: (raw['paths'] ?? {}) as Record<string, readonly string[]>,
    experimentalDecorators: raw['experimentalDecorators'] === true,
    useDefineForClassFields:
      typeof raw['useDefineForClassFields'] === 'boolean'
        ? raw['useDefineForClassFields']
        : target === undefined || target === 'esnext' || Number(/^es(\d{4})$/.exec(target)?.[1] ?? 0) >= 2022,
    verbatimModuleSyntax: raw['verbatimModuleSyntax'] === true,
    jsx: Object.fromEntries(JSX_OPTIONS.filter((key) => key in raw).map((key) => [key, raw[key]])),
  };
}

/** JSON with comments and trailing commas. What does not parse is an empty configuration. */
export function parseJsonc(text: string): Record<string, unknown> {
  const plain = text
    .replace(/^\uFEFF/, '')
    .replace(
      /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (_match, string: string | undefined) => string ?? ' ',
    )
    .replace(
      /("(?:[^"\\]|\\.)*")|,(\s*[}\]])/g,
      (_match, string: string | undefined, close: string) => string ?? close,
    );
  try {
    const value: unknown = JSON.parse(plain);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
