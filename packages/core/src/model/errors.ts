import type { SourceLocation } from './source.js';

/** How serious, for `check`. */
export type Severity = 'error' | 'warning';

/**
 * One finding about a definition or a source file: what (`message`), where (`at`, `frame`), why
 * (`notes`, further places) and what next (`help`). `code` is stable and kebab-case (`unknown-step`).
 */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly at?: SourceLocation;
  /** Further places that belong to it: the captured variable, the other step. */
  readonly related?: readonly { readonly message: string; readonly at?: SourceLocation }[];
  /** What the user can do next. */
  readonly help?: string;
}

/** An error as data: what crosses processes, goes into events and is shown. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  /** Stable kebab-case code for our own errors: `timeout`, `worker-lost`, `artifact-lossy` … */
  readonly code?: string;
  /** The first frame in the user's own source, `pipe.ts:5:16`, relative to the invoking directory. */
  readonly at?: string;
  /** Source lines around `at`, ready to print. */
  readonly frame?: string;
  /** The user's frames only, mapped to the original source. */
  readonly stack?: string;
  /** The whole stack, for `--trace`. */
  readonly trace?: string;
  readonly cause?: ErrorRecord;
}

const MARK = Symbol.for('run-pipeline.error');

/** Exit codes of the command line. */
export const EXIT = { ok: 0, failed: 1, usage: 2, load: 3, store: 4 } as const;

export type ErrorKind = 'definition' | 'usage' | 'load' | 'store' | 'artifact' | 'run';

/**
 * An expected failure with everything needed to show it well. Recognised by a global symbol, not by
 * `instanceof`, because core may be loaded twice (ESM and CommonJS, bundles and workers).
 */
export class RunPipelineError extends Error {
  override readonly name: string = 'RunPipelineError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly at: SourceLocation | undefined;
  readonly help: string | undefined;
  readonly diagnostics: readonly Diagnostic[];

  constructor(options: {
    readonly kind: ErrorKind;
    readonly code: string;
    readonly message: string;
    readonly at?: SourceLocation | undefined;
    readonly help?: string | undefined;
    readonly diagnostics?: readonly Diagnostic[];
    readonly cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.code = options.code;
    this.at = options.at;
    this.help = options.help;
    this.diagnostics = options.diagnostics ?? [];
    // Where nobody catches it, the engine prints what can be enumerated: not what there is not.
    const absent = [
      ...(this.at === undefined ? ['at'] : []),
      ...(this.help === undefined ? ['help'] : []),
      ...(this.diagnostics.length === 0 ? ['diagnostics'] : []),
    ];
    for (const key of absent) Object.defineProperty(this, key, { enumerable: false });
    Object.defineProperty(this, MARK, { value: true });
  }
}

export function isRunPipelineError(value: unknown): value is RunPipelineError {
  return typeof value === 'object' && value !== null && MARK in value;
}

/** A definition that cannot run: every finding, at once. Exit code 2. */
export function definitionError(diagnostics: readonly Diagnostic[]): RunPipelineError {
  const errors = diagnostics.filter((item) => item.severity === 'error');
  const first = errors[0];
  return new RunPipelineError({
    kind: 'definition',
    code: first?.code ?? 'definition',
    message: errors.map((item) => item.message).join('\n') || 'the definition is not valid',
    at: first?.at,
    help: first?.help,
    diagnostics,
  });
}

/** What a pipeline function gets when it awaits a step that failed. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly step: string;
  readonly error: ErrorRecord | undefined;

  constructor(step: string, status: string, error?: ErrorRecord) {
    super(`step ${step} ${status}${error === undefined ? '' : `: ${error.name}: ${error.message}`}`);
    this.step = step;
    this.error = error;
  }
}
