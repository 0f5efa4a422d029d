import type { ProjectSettings } from './settings.js';

/**
 * What opens the store, the bytes and the queue, and what signs: the supervisor's (the engine, an agent),
 * and not that of the code it executes. A task gets such a variable only when its step declares it (`env`
 * or `secrets`, or its own code reads it by name); what `Task` and `StorageManager` need of the project
 * inside of a task goes through the supervisor.
 */
const SIGNING = 'RUN_PIPELINE_SIGNING_KEY';
const POSTGRES = ['RUN_PIPELINE_STORE', 'PGPASSWORD', 'PGPASSFILE', 'PGSERVICEFILE', 'PGSSLKEY'];
const REDIS = ['RUN_PIPELINE_QUEUE', 'RUN_PIPELINE_QUEUE_USER', 'RUN_PIPELINE_QUEUE_PASSWORD'];
const S3 = [
  'RUN_PIPELINE_BLOBS',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
];

/** Names of the variables that tasks do not get. A project that is on this machine alone keeps none of them back. */
export function withheldNames({ store, blobs, queue }: Omit<ProjectSettings, 'concurrency'>): string[] {
  return [
    SIGNING,
    ...(store.driver === 'postgres' ? POSTGRES : []),
    ...(blobs.driver === 's3' ? S3 : []),
    ...(queue.driver === 'redis' ? REDIS : []),
  ];
}

type Environment = Readonly<Record<string, string>>;

/** The scheme of a setting whose address was kept back: a program that a task starts must not take it for unset. */
export const WITHHELD = 'withheld';

/** What a task gets of the supervisor's environment. */
export function taskEnvironment(options: {
  readonly environment: Environment;
  readonly withheld: readonly string[];
  /** By its step: names. */
  readonly declared: readonly string[];
}): { readonly env: Environment; /** To be masked in what it prints. */ readonly masked: readonly string[] } {
  const { environment, withheld, declared } = options;
  if (!withheld.some((name) => name in environment)) return { env: environment, masked: [] };
  const env: Record<string, string> = { ...environment };
  const masked: string[] = [];
  for (const name of withheld) {
    const value = environment[name];
    if (value === undefined) continue;
    if (declared.includes(name)) masked.push(...secretsIn(value));
    else if (SETTINGS.has(name)) env[name] = `${WITHHELD}:${name}`;
    else delete env[name];
  }
  return { env, masked };
}

const SETTINGS: ReadonlySet<string> = new Set([
  'RUN_PIPELINE_STORE',
  'RUN_PIPELINE_BLOBS',
  'RUN_PIPELINE_QUEUE',
]);

/** Texts that must not be printed: all that is kept back, as it stands in the environment. */
export const withheldSecrets = (environment: Environment, withheld: readonly string[]): readonly string[] =>
  withheld.flatMap((name) => (environment[name] === undefined ? [] : secretsIn(environment[name])));

/**
 * Of an address the password, encoded and decoded, since the rest may be told; of everything else the whole.
 * Names of files and of profiles are no secrets.
 */
function secretsIn(value: string): readonly string[] {
  const password = /^[a-z][a-z\d+.-]*:\/\/[^:@]*:(.*)@/is.exec(value)?.[1];
  if (password !== undefined) return password === '' ? [] : [password, decoded(password)];
  const isPlace = /^[a-z][a-z\d+.-]*:/i.test(value) || /^[./~]/.test(value) || value.length < 8;
  return isPlace ? [] : [value];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
