/** Times that a slow machine, or a test, sets otherwise by environment variables. */
type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_LEASE_MS = 15_000;
const DEFAULT_GRACE_MS = 5_000;

/** How long a run and its attempts belong to a process that is not heard of. */
export const leaseMs = (env: Environment): number =>
  milliseconds(env['RUN_PIPELINE_LEASE_MS'], { least: 200, otherwise: DEFAULT_LEASE_MS });

/** From telling a step to stop (Ctrl-C, a timeout) to SIGKILL. */
export const graceMs = (env: Environment): number =>
  milliseconds(env['RUN_PIPELINE_GRACE_MS'], { least: 0, otherwise: DEFAULT_GRACE_MS });

function milliseconds(
  text: string | undefined,
  options: { readonly least: number; readonly otherwise: number },
): number {
  const given = Number(text?.trim() || Number.NaN);
  return Number.isFinite(given) && given >= options.least ? given : options.otherwise;
}
