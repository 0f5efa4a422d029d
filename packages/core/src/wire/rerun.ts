import type { ParameterType } from '../model/definition.js';

/** What a form for another run of the same pipeline needs. */
export interface RunForm {
  readonly file: string;
  /** False: the source file is gone, or the pipeline is not in it any more; with why. */
  readonly possible: boolean;
  readonly reason?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly type: ParameterType;
    readonly description?: string;
    /** A schema of the user's decides what fits: `type` is only what its text looks like. */
    readonly schema: boolean;
    readonly required: boolean;
    /** As text of the command line. */
    readonly default?: string;
    /** Of this run, as text of the command line. */
    readonly value?: string;
  }[];
  /** Steps of the file as it is now, that can be selected; empty for a pipeline function. */
  readonly steps: readonly string[];
  readonly kind?: 'class' | 'controller' | 'function';
}

export interface RerunPreview {
  readonly steps: readonly {
    readonly name: string;
    readonly action: 'run' | 'cached' | 'depends';
    readonly reasons: readonly string[];
  }[];
  readonly notes: readonly string[];
  /** The equal command line, to copy. */
  readonly command: string;
  /** By parameter: why it cannot be that. Nothing was planned then. */
  readonly problems: readonly { readonly parameter?: string; readonly message: string }[];
}
