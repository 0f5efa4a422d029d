import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';

type Env = Readonly<Record<string, string | undefined>>;

/** How npm is started: a program and the arguments that come before npm's own. */
export interface NpmCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** The npm that a shell here would start; else the one beside this Node. */
export function findNpm(env: Env): NpmCommand {
  const isWindows = process.platform === 'win32';
  const path = env['PATH'] ?? env['Path'] ?? '';
  for (const directory of path.split(delimiter).filter((each) => each !== '')) {
    if (!isWindows && isExecutable(join(directory, 'npm')))
      return { program: join(directory, 'npm'), args: [] };
    // npm.cmd would need a shell, and its quoting.
    const script = join(directory, 'node_modules', 'npm', 'bin', 'npm-cli.js');
    if (isWindows && existsSync(script)) return { program: process.execPath, args: [script] };
  }
  const node = dirname(process.execPath);
  for (const modules of [join(node, 'node_modules'), join(node, '..', 'lib', 'node_modules')]) {
    const script = join(modules, 'npm', 'bin', 'npm-cli.js');
    if (existsSync(script)) return { program: process.execPath, args: [script] };
  }
  throw new RunPipelineError({
    kind: 'load',
    code: 'environment-install',
    message: 'npm is needed to install the packages of a task, and is not on this machine',
    help: 'install npm, or start this process with a PATH that holds it',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What any program needs to run, and what says how the network is reached. */
const KEPT = new Set(
  [
    'PATH',
    'HOME',
    'USERPROFILE',
    'HOMEDRIVE',
    'HOMEPATH',
    'APPDATA',
    'LOCALAPPDATA',
    'PROGRAMDATA',
    'SYSTEMROOT',
    'SYSTEMDRIVE',
    'WINDIR',
    'COMSPEC',
    'PATHEXT',
    'TMPDIR',
    'TMP',
    'TEMP',
    'LANG',
    'LC_ALL',
    'USER',
    'LOGNAME',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'PROXY',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
  ].map((name) => name.toLowerCase()),
);

/** npm's settings for the registry and the network; not those for how it installs, which are ours. */
const SETTINGS = [
  /^registry$/,
  /^@[^:]+:registry$/,
  /^\/\//,
  /^_auth/,
  /^always-auth$/,
  /^(?:https?-)?proxy$/,
  /^no-?proxy$/,
  /^(?:ca|cafile|cert|key|strict-ssl)$/,
  /^(?:userconfig|globalconfig|prefix|cache)$/,
  /^(?:fetch-.*|maxsockets|local-address|replace-registry-host)$/,
  /^(?:offline|prefer-offline|prefer-online)$/,
  /^(?:nodedir|python|msvs-version)$/,
];

/**
 * The environment of npm: nothing of what tasks get (INVARIANTS 19). `withAuth` adds the variables that
 * npmrc files name (`//host/:_authToken=${NPM_TOKEN}`); code of packages must not see these.
 */
export function npmEnvironment(
  env: Env,
  { withAuth }: { readonly withAuth: boolean },
): Record<string, string> {
  const kept: Record<string, string> = {};
  const named = withAuth ? variablesInConfig(env) : new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const setting = /^npm_config_(.+)$/i.exec(name)?.[1];
    const isKept =
      setting === undefined
        ? KEPT.has(name.toLowerCase()) || named.has(name)
        : isSetting(setting) && (withAuth || !isAuth(setting));
    if (isKept) kept[name] = value;
  }
  return kept;
}

const normal = (setting: string): string =>
  // Keys of registries are kept as they are written.
  setting.startsWith('//') ? setting : setting.toLowerCase().replace(/(?!^)_/g, '-');
const isSetting = (setting: string): boolean => SETTINGS.some((each) => each.test(normal(setting)));
const isAuth = (setting: string): boolean => /^(?:\/\/|_auth)/.test(normal(setting));

/** `${NAME}` in the user's npmrc and in the machine's. */
function variablesInConfig(env: Env): ReadonlySet<string> {
  const home = env['HOME'] ?? env['USERPROFILE'];
  const files = [
    configured(env, 'userconfig') ?? (home === undefined ? undefined : join(home, '.npmrc')),
    configured(env, 'globalconfig') ?? join(dirname(dirname(process.execPath)), 'etc', 'npmrc'),
  ];
  const names = new Set<string>();
  for (const file of files) {
    if (file === undefined || !existsSync(file)) continue;
    for (const match of readFileSync(file, 'utf8').matchAll(/\$\{([^}?]+)\??\}/g)) names.add(match[1]!);
  }
  return names;
}

function configured(env: Env, setting: string): string | undefined {
  const entry = Object.entries(env).find(([name]) => name.toLowerCase() === `npm_config_${setting}`);
  return entry?.[1] === '' ? undefined : entry?.[1];
}
