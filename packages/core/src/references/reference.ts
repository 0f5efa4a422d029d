/**
 * A reference, `$<step_one.data_frame>`, is a string that stands for a value of another step or of
 * the pipeline. These are its forms once parsed; `parse.ts` makes them, `compile.ts` finds them
 * inside declared inputs. `text` is the reference as it was written, `$<…>` or `${…}`, for messages.
 */
export type Reference =
  /** `pipeline.NAME` and a path into its value. */
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly path: readonly string[];
      readonly text: string;
    }
  /** `STEP.RETURN` and a path into the value. `step` may be one element: `score[0]`. */
  | {
      readonly kind: 'return';
      readonly step: string;
      readonly name: string;
      readonly path: readonly string[];
      readonly text: string;
    }
  /** `STEP.id`: the id of the executed task. */
  | { readonly kind: 'id'; readonly step: string; readonly text: string }
  /** `STEP.artifacts.NAME.url` (or hash, size, type, name, createdAt, preview). */
  | {
      readonly kind: 'artifact';
      readonly step: string;
      readonly name: string;
      readonly attribute: string;
      readonly text: string;
    }
  /** `STEP.parameters.SECTION/NAME`. */
  | {
      readonly kind: 'task-parameter';
      readonly step: string;
      readonly section: string;
      readonly name: string;
      readonly text: string;
    };

/** A declared input once its references are found. A subtree without any is one `literal`. */
export type InputNode =
  /** `from`: what an element of a list that was split came from, `load.rows`; it decides nothing. */
  | { readonly kind: 'literal'; readonly value: unknown; readonly from?: string }
  /** The whole string was one reference: the value keeps its type. */
  | { readonly kind: 'reference'; readonly reference: Reference }
  /** Text with references inside: primitives and dates are interpolated, anything else is an error. */
  | { readonly kind: 'template'; readonly parts: readonly (string | Reference)[] }
  | { readonly kind: 'list'; readonly items: readonly InputNode[] }
  | {
      readonly kind: 'object';
      readonly entries: readonly (readonly [string, InputNode])[];
      /** The entries are the returns of this step, in order: an array where it returned one. */
      readonly returnsOf?: string;
    }
  /** `file(path)` or `directory(path)`; the path may hold references. */
  | { readonly kind: 'file'; readonly directory: boolean; readonly path: InputNode }
  /** `each(list)`: one node per element. Only at the top level of an input. */
  | { readonly kind: 'each'; readonly list: InputNode };
