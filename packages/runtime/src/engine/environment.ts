/** The environment of a run, taken once: what steps get, and what fingerprints see. */
export function takeEnvironment(from: NodeJS.ProcessEnv = process.env): Readonly<Record<string, string>> {
  const environment: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(from)) if (value !== undefined) environment[name] = value;
  return environment;
}
