import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import type { Drivers } from '../module/drivers.js';
import type { Item } from '../module/module.js';
import type { Program } from '../module/program.js';
import type { ClassShape } from '../slice/class-members.js';
import type { SliceEntry } from '../slice/slice.js';

/** Where a step's code is, or why it cannot be told. */
export type Found =
  | { readonly ok: true; readonly entry: SliceEntry; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** What finding works with. */
export interface FindContext {
  readonly program: Program;
  readonly drivers: Drivers;
  readonly shapes: (item: Item) => ClassShape | undefined;
}

export const notFound = (options: {
  readonly code: string;
  readonly message: string;
  readonly at?: SourceLocation | undefined;
  readonly help: string;
}): Found => ({
  ok: false,
  diagnostic: {
    code: options.code,
    severity: 'error',
    message: options.message,
    ...(options.at === undefined ? {} : { at: options.at }),
    help: options.help,
  },
});
