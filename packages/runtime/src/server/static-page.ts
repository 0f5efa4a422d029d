import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Refusal } from './refusal.js';

const compress = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};
const COMPRESSIBLE = new Set(['html', 'js', 'css', 'json', 'svg', 'txt', 'webmanifest']);
/** The build names these by their content: they never change. */
const HASHED = /[-.][\w-]{8,}\.\w+$/;

export interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The files of the built page. Their names are listed once, at the start: a path of a request is only
 * ever looked up among them, and never becomes a path of the disk.
 */
export class StaticPage {
  readonly #directory: string;
  readonly #names: ReadonlySet<string>;
  readonly #files = new Map<string, Promise<StaticFile>>();

  constructor(directory: string) {
    this.#directory = directory;
    this.#names = new Set(filesBelow(directory));
  }

  get built(): boolean {
    return this.#names.has('index.html');
  }

  /** The file of a path, or the page itself for an address inside it; undefined for a file that is not there. */
  find(pathname: string, options: { readonly gzip: boolean }): Promise<StaticFile> | undefined {
    const asked = pathname.slice(1);
    const name = this.#names.has(asked) ? asked : looksLikeFile(asked) ? undefined : 'index.html';
    if (name === undefined || !this.#names.has(name)) return undefined;
    const packed = options.gzip && COMPRESSIBLE.has(extension(name));
    const key = `${packed ? 'gzip' : 'plain'} ${name}`;
    let file = this.#files.get(key);
    if (file === undefined) {
      file = this.#read(name, packed);
      this.#files.set(key, file);
      // It was replaced by another version's: who has the old page reloads it.
      file.catch(() => this.#files.delete(key));
    }
    return file;
  }

  #readFile(name: string): Buffer {
    try {
      return readFileSync(join(this.#directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Refusal(404, 'no-file', 'the page has no such file any more: load it again');
    }
  }

  async #read(name: string, packed: boolean): Promise<StaticFile> {
    const plain = this.#readFile(name);
    const bytes = packed ? await compress(plain, { level: 9 }) : plain;
    return {
      bytes: new Uint8Array(bytes),
      headers: {
        'content-type': TYPES[extension(name)] ?? 'application/octet-stream',
        'cache-control':
          name.startsWith('assets/') && HASHED.test(name)
            ? 'public, max-age=31536000, immutable'
            : 'no-cache',
        vary: 'accept-encoding',
        ...(packed ? { 'content-encoding': 'gzip' } : {}),
      },
    };
  }
}

const extension = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** Addresses of the page may hold dots (`/runs/x?step=a.b` does not, a task's id does): only known endings count. */
const looksLikeFile = (path: string): boolean =>
  path.startsWith('assets/') || (path.includes('.') && TYPES[extension(path)] !== undefined);

function filesBelow(directory: string): readonly string[] {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
