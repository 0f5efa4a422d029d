import type { Diagnostic, Severity } from '../model/errors.js';
import type { SourceLocation } from '../model/source.js';

/** A diagnostic from facts that may be undefined. */
export function diagnostic(facts: {
  readonly code: string;
  readonly message: string;
  readonly severity?: Severity;
  readonly at: SourceLocation | undefined;
  readonly help?: string | undefined;
  readonly related?: readonly { readonly message: string; readonly at: SourceLocation | undefined }[];
}): Diagnostic {
  const { code, message, severity = 'error', at, help, related } = facts;
  return {
    code,
    severity,
    message,
    ...(at === undefined ? {} : { at }),
    ...(help === undefined ? {} : { help }),
    ...(related === undefined
      ? {}
      : {
          related: related.map((item) => ({
            message: item.message,
            ...(item.at === undefined ? {} : { at: item.at }),
          })),
        }),
  };
}
