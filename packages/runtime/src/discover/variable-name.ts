/**
 * The name under which source code keeps the value of a call: `train` for `const train = step(…)`,
 * `static train = step(…)`, `{ train: step(…) }` and `exports.train = (0, x.step)(…)`. Read from the text
 * before the call, because a value does not know its variable and the variable may be in no export.
 */
export function variableOf(textBeforeCall: string): string | undefined {
  const before = textBeforeCall
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    // The callee itself, when the place is inside of it: `rp.step(`, `(0, rp_1.step)(`.
    .replace(/(?:\(\s*0\s*,\s*)?(?:[\w$]+\s*\.\s*)*(?:\w+\s*\)?\s*)?$/, (callee) =>
      /[.(]/.test(callee) ? '' : callee,
    );
  const assigned =
    NEXT.exec(before) ??
    DECLARED.exec(before) ??
    LISTED.exec(before) ??
    ASSIGNED.exec(before) ??
    PROPERTY.exec(before);
  return assigned?.[1];
}

/** A further one of a declaration, without a type: whatever stands before, this is its name. */
const NEXT = /,\s*([A-Za-z_$][\w$]*)\s*=\s*$/;
/** The last declaring keyword before the call; between name and `=` there may be a type. */
const DECLARED =
  /^[\s\S]*\b(?:const|let|var|static|readonly|public|private|protected)\s+([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::[^;]*?)?=\s*$/;
/** A further one with a type: `const a = step(…), b: T = step(…)`. */
const LISTED = /,\s*([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::(?:[^;=]|=>)*)?=\s*$/;
const ASSIGNED = /([A-Za-z_$][\w$]*)\s*=\s*$/;
const PROPERTY = /[{,]\s*["']?([A-Za-z_$][\w$]*)["']?\s*:\s*$/;
