/**
 * Named places at which a test may kill this process, to prove that work survives a crash there:
 * `RUN_PIPELINE_CRASH_AT=before-commit` (first pass) or `before-commit:3` (third pass). SIGKILL, so
 * nothing is flushed or cleaned up, as when the machine loses power. Without the variable a pass is
 * one call of an empty function.
 */
export type CrashPoint = (name: string) => void;

/** Reads the variable; separate from `crashPoint` so that parsing can be tested without dying. */
export function parseCrashPoint(
  text: string | undefined,
): { readonly name: string; readonly pass: number } | undefined {
  if (text === undefined || text === '') return undefined;
  const match = /^(.*?)(?::(\d+))?$/s.exec(text);
  const name = match?.[1] ?? '';
  const pass = match?.[2] === undefined ? 1 : Number(match[2]);
  return name === '' || pass < 1 ? undefined : { name, pass };
}

function makeCrashPoint(): CrashPoint {
  const wanted = parseCrashPoint(process.env.RUN_PIPELINE_CRASH_AT);
  if (wanted === undefined) return () => {};
  let passes = 0;
  return (name) => {
    if (name !== wanted.name || ++passes < wanted.pass) return;
    process.kill(process.pid, 'SIGKILL');
  };
}

/** Dies here when `RUN_PIPELINE_CRASH_AT` says so. */
export const crashPoint: CrashPoint = makeCrashPoint();
