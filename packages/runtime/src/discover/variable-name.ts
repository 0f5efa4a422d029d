/**
 * The name under which source code keeps the value of a call: `train` for `const train = step(…)`,
 * `static train = step(…)`, `{ train: step(…) }` and `exports.train = (0, x.step)(…)`. Read from the text
 * before the call, because a value does not know its variable and the variable may be in no export.
 */
export function variableOf(
  source: string,
  place: { readonly line: number; readonly column: number },
): string | undefined {
  const before = textBefore(source, place)
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    // The callee itself, when the place is inside of it: `rp.step(`, `(0, rp_1.step)(`.
    .replace(/(?:\(\s*0\s*,\s*)?(?:[\w$]+\s*\.\s*)*(?:\w+\s*\)?\s*)?$/, (callee) =>
      /[.(]/.test(callee) ? '' : callee,
    );
  const assigned =
    DECLARED.exec(before) ?? LISTED.exec(before) ?? ASSIGNED.exec(before) ?? PROPERTY.exec(before);
  return assigned?.[1];
}

/** The last declaring keyword before the call; between name and `=` there may be a type. */
const DECLARED =
  /^[\s\S]*\b(?:const|let|var|static|readonly|public|private|protected)\s+([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::[^;]*?)?=\s*$/;
/** A further one of the same declaration: `const a = step(…), b: T = step(…)`. */
const LISTED = /,\s*([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::(?:[^;=]|=>)*)?=\s*$/;
const ASSIGNED = /([A-Za-z_$][\w$]*)\s*=\s*$/;
const PROPERTY = /[{,]\s*["']?([A-Za-z_$][\w$]*)["']?\s*:\s*$/;

/** A declaration with a long type still fits. */
const LOOK_BACK = 2000;

/** The text that ends where the place is. */
export function textBefore(
  source: string,
  place: { readonly line: number; readonly column: number },
): string {
  const at = offsetOf(source, place);
  return source.slice(Math.max(0, at - LOOK_BACK), at);
}

export function offsetOf(source: string, place: { readonly line: number; readonly column: number }): number {
  let start = 0;
  for (let line = 1; line < place.line; line++) {
    const end = source.indexOf('\n', start);
    if (end < 0) return source.length;
    start = end + 1;
  }
  return Math.min(start + place.column - 1, source.length);
}
