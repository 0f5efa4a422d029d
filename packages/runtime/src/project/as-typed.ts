/** The first words of our commands: what follows `run-pipeline` where a text means a command to be typed. */
export const VERBS = (
  'run plan check graph runs show follow logs get why diff resume rerun stop debug report ui ' +
  'task agent queue keys gc doctor init completion'
).split(' ');

const COMMAND = new RegExp(
  `(?<![\\w./@-]|(?:npx|exec|yarn|bunx) )run-pipeline(?= (?:(?:${VERBS.join('|')}|FILE|COMMAND)\\b|--help\\b|\\[run\\]|[\\w./-]+\\.ts\\b))`,
  'g',
);

/** How each package manager starts the programs of a project, by the name it gives itself. */
const STARTS: Readonly<Record<string, string>> = { npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'bunx' };

/**
 * One of our own texts, with its commands as this user types them. Whoever was started by a package manager
 * (`npx run-pipeline …`, a script of package.json) has no `run-pipeline` of its own in the shell; those tell their
 * name to what they start. Not for what a step has printed.
 */
export function asTyped(text: string, env: NodeJS.ProcessEnv = process.env): string {
  const start = startOf(env);
  return start === '' ? text : text.replace(COMMAND, `${start}$&`);
}

/**
 * The same on the web page: who reads it there did not start its server. `npx` finds what is installed in the
 * directory, and for everybody.
 */
export const asTypedAnywhere = (text: string): string => text.replace(COMMAND, 'npx $&');

/** `run-pipeline`, or `npx run-pipeline`. */
export const programName = (env: NodeJS.ProcessEnv = process.env): string => `${startOf(env)}run-pipeline`;

function startOf(env: NodeJS.ProcessEnv): string {
  const manager = env['npm_config_user_agent']?.split('/')[0] ?? '';
  return Object.hasOwn(STARTS, manager) ? `${STARTS[manager]!} ` : '';
}
