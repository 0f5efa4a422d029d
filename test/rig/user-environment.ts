/** The environment of a user, not of this test run. */
export function userEnvironment(extra: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', ...extra };
  for (const name of Object.keys(environment)) {
    const inherited = /^(VITEST|VITE_|FORCE_COLOR$|CI$|GITHUB_|NODE_OPTIONS$|RUN_PIPELINE_)/.test(name);
    if (inherited && !(name in extra)) delete environment[name];
  }
  return environment;
}
