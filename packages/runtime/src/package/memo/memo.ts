import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  ClosureEntry,
  Diagnostic,
  Digest,
  PackageManifest,
  TaskPackage,
} from '@run-pipeline/core/model';
import type { ProjectPaths } from '../../project/project.js';
import { packageDirectory, packageFile } from '../package-file.js';
import type { PackageRequest } from '../packager.js';
import type { SharedFacts } from '../slice/shared-state.js';
import { NO_INPUTS, mergeInputs, stillGood, type Inputs } from './inputs.js';

/** What is known of a packaged step: with it, a repeated run needs neither its source nor a parser. */
export interface MemoisedStep {
  readonly task: TaskPackage;
  readonly shared: SharedFacts;
  /** Warnings: they are repeated. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A whole script. */
export interface ScriptIdentity {
  readonly kind: 'script';
  readonly file: string;
  readonly assets: readonly string[];
}

/** Raised when slicing, bundling or the memo itself would give something else for the same inputs. */
const FORMAT = 4;

interface MemoFile {
  readonly format: typeof FORMAT;
  readonly version: string;
  readonly inputs: Inputs;
  /** Closures are shared by many steps and can be long. */
  readonly closures: Readonly<Record<string, readonly ClosureEntry[]>>;
  readonly steps: Readonly<Record<string, MemoEntry>>;
}

interface MemoEntry {
  readonly hash: Digest;
  readonly manifest: Omit<PackageManifest, 'closure'>;
  readonly shared: SharedFacts;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The memo of one user file: which packages its steps have, for as long as nothing that packaging read
 * has changed. One file, so that a thousand steps are checked by reading one. It is a cache: damaged,
 * foreign or missing, it is as if there were none.
 */
export class Memo {
  readonly #paths: ProjectPaths;
  readonly #path: string;
  #inputs: Inputs = NO_INPUTS;
  #steps = new Map<string, MemoisedStep>();
  #isChanged = false;

  private constructor(paths: ProjectPaths, path: string) {
    this.#paths = paths;
    this.#path = path;
  }

  /** Opens the memo of a file, empty when what it was made from has changed. */
  static open(paths: ProjectPaths, file: string, of: 'steps' | 'script' = 'steps'): Memo {
    const text = `${paths.root}\0${file}${of === 'script' ? '\0script' : ''}`;
    const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    const memo = new Memo(paths, join(paths.home, 'cache', 'packages', `${name}.json`));
    memo.#read();
    return memo;
  }

  #read(): void {
    try {
      const content = JSON.parse(readFileSync(this.#path, 'utf8')) as MemoFile;
      if (content.format !== FORMAT || content.version !== ownVersion()) return;
      const inputs = stillGood(content.inputs);
      if (inputs === undefined) return;
      const steps = new Map<string, MemoisedStep>();
      for (const [identity, entry] of Object.entries(content.steps)) {
        const manifest = { ...entry.manifest, closure: content.closures[entry.manifest.closureHash] ?? [] };
        const directory = packageDirectory(this.#paths, entry.hash);
        steps.set(identity, {
          task: { hash: entry.hash, manifest, directory },
          shared: entry.shared,
          diagnostics: entry.diagnostics,
        });
      }
      this.#inputs = inputs;
      this.#steps = steps;
      this.#isChanged = inputs !== content.inputs;
    } catch {
      // Missing, damaged or of another shape: packaging starts afresh.
    }
  }

  /** The package of a step, when it is known and still there. */
  find(request: PackageRequest | ScriptIdentity): MemoisedStep | undefined {
    const step = this.#steps.get(identityOf(request));
    return step !== undefined && existsSync(packageFile(this.#paths, step.task.hash)) ? step : undefined;
  }

  add(inputs: Inputs, steps: Iterable<readonly [PackageRequest | ScriptIdentity, MemoisedStep]>): void {
    this.#inputs = mergeInputs(this.#inputs, inputs);
    for (const [request, step] of steps) {
      this.#steps.set(identityOf(request), step);
      this.#isChanged = true;
    }
  }

  /** Another process may write at the same time: the file is replaced whole, the last one wins. */
  save(): void {
    if (!this.#isChanged) return;
    const closures: Record<string, readonly ClosureEntry[]> = {};
    const steps: Record<string, MemoEntry> = {};
    for (const [identity, { task, shared, diagnostics }] of this.#steps) {
      const { closure, ...manifest } = task.manifest;
      closures[manifest.closureHash] = closure;
      steps[identity] = { hash: task.hash, manifest, shared, diagnostics };
    }
    const content: MemoFile = {
      format: FORMAT,
      version: ownVersion(),
      inputs: this.#inputs,
      closures,
      steps,
    };
    const temporary = `${this.#path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(temporary, JSON.stringify(content));
      renameSync(temporary, this.#path);
    } catch {
      // A cache that cannot be written costs time, nothing else.
      rmSync(temporary, { force: true });
    }
    this.#isChanged = false;
  }
}

/** What of a request decides the package, without looking at any file. */
function identityOf(request: PackageRequest | ScriptIdentity): string {
  return createHash('sha256').update(identityText(request)).digest('base64url').slice(0, 22);
}

function identityText(request: PackageRequest | ScriptIdentity): string {
  if ('kind' in request) return JSON.stringify(['script', request.file, request.assets]);
  const { code } = request;
  const what =
    code.kind === 'method'
      ? [code.className, code.method, code.file]
      : [
          code.call,
          code.file,
          code.function.name,
          code.function.length,
          Function.prototype.toString.call(code.function),
        ];
  const { inputs, assets, cached, writing } = request;
  return JSON.stringify([request.name ?? request.key, code.kind, what, inputs, assets, cached, writing]);
}

/** Of this installation: another one may slice differently. */
function ownVersion(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at)) {
    const file = join(at, 'package.json');
    if (existsSync(file))
      return (JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version ?? '';
  }
  return '';
}
