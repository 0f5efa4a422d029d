import { RunPipelineError } from '@run-pipeline/core/model';

const LINES = 20;
const LINE_LENGTH = 300;

/**
 * Why packages could not be installed: which, npm's own last words, and what to do. What npm says is
 * shown without credentials: they stand in the addresses of registries and in its settings.
 */
export function npmFailure(options: {
  /** `npm ci`, `npm rebuild sharp` */
  readonly command: string;
  readonly packages: string;
  readonly code: number | undefined;
  readonly said: string;
  /** Values that must not be shown, wherever they stand. */
  readonly secrets: readonly string[];
}): RunPipelineError {
  const { command, packages, code, said, secrets } = options;
  const lines = redact(said, secrets)
    .split(/\r?\n/)
    .map((line) => line.replace(/^npm (?:error|ERR!) ?/, '').trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-LINES)
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line));
  const ending = code === undefined ? 'did not end by itself' : `ended with code ${code}`;
  return new RunPipelineError({
    kind: 'load',
    code: 'environment-install',
    message: [
      `cannot install ${packages}: \`${command}\` ${ending}`,
      ...lines.map((line) => `  ${line}`),
    ].join('\n'),
    help: HELP.find(([pattern]) => pattern.test(said))?.[1] ?? 'see what npm says above',
  });
}

const HELP: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:E401|E403|ENEEDAUTH)\b/,
    "the registry refused this machine: put a token for it into this machine's .npmrc (npm login)",
  ],
  [
    /\b(?:E404|ETARGET|ENOVERSIONS)\b/,
    'the registry that this machine uses has no such version: point npm at one that has (npm config set registry …)',
  ],
  [
    /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR|ENOTCACHED)\b/,
    'the npm registry cannot be reached from this machine: check `npm config get registry`, `npm config get proxy` and the network',
  ],
  [
    /\b(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED)\b/,
    "the registry's certificate is not trusted here: set npm's `cafile`, or NODE_EXTRA_CA_CERTS",
  ],
  [
    /\bEINTEGRITY\b/,
    'the registry sends other content than the project locked: compare the registry with that of the project, and `npm cache verify`',
  ],
  [/\b(?:ENOSPC|EDQUOT)\b/, 'the disk is full: free some room (`run-pipeline gc` removes old environments)'],
  [/\bEBADPLATFORM\b/, 'a package does not support this platform: run the step on an agent that it supports'],
  [/\b(?:EACCES|EPERM|EROFS)\b/, "npm may not write here: check the directory named above, and npm's cache"],
  [
    /\b(?:gyp ERR|node-gyp)\b/,
    'a native package had to be compiled: this machine needs a C++ compiler, make and Python',
  ],
];

/** `//user:password@host`, `_authToken=…`, `Bearer …`, npm's own tokens, and given values. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text
    .replace(/(\/\/)[^/\s@]+@/g, '$1')
    .replace(/((?:_authToken|_auth|_password|:password|token)["']?\s*[=:]\s*)[^\s"']+/gi, '$1***')
    .replace(/\b(Bearer|Basic)\s+[\w+/=.~-]+/gi, '$1 ***')
    .replace(/\bnpm_[A-Za-z0-9]{20,}\b/g, '***');
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.length >= 4) clean = clean.replaceAll(secret, '***');
  }
  return clean;
}
