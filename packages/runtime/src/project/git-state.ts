import { spawn } from 'node:child_process';

/** Where a directory's repository stands. */
export interface GitDescription {
  readonly commit: string;
  /** Absent when no branch is checked out. */
  readonly branch?: string;
  /** Of `origin`, else of the only remote; without credentials. */
  readonly remote?: string;
  /** Tracked files differ from the commit. */
  readonly dirty: boolean;
  /** Text of `git diff HEAD`, cut at 1 MiB; absent when nothing differs. */
  readonly diff?: string;
}

const LONGEST_DIFF = 1 << 20;
const PATIENCE_MS = 3000;

/**
 * Reads the state of the git repository that holds a directory, for the record of a task. Undefined
 * without git, outside of a repository, before its first commit, or when git does not answer within 3 s;
 * never throws: a task does not fail for want of it.
 */
export async function readGitState(directory: string): Promise<GitDescription | undefined> {
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  const git = async (...args: readonly string[]): Promise<GitOutput> => runGit(directory, args, deadline);
  try {
    const [commit, branch, remotes, diff] = await Promise.all([
      git('rev-parse', '--verify', 'HEAD'),
      git('symbolic-ref', '--quiet', '--short', 'HEAD'),
      git('remote', '-v'),
      // A diff driver or a pager of the user's own may be anything.
      git('diff', '--no-ext-diff', '--no-textconv', '--no-color', '--binary', 'HEAD'),
    ]);
    const hash = commit.text.trim();
    if (!commit.ok || !/^[0-9a-f]{40,64}$/.test(hash)) return undefined;
    const name = branch.ok ? branch.text.trim() : '';
    const remote = remotes.ok ? remoteOf(remotes.text) : undefined;
    if (!diff.ok) return undefined;
    return {
      commit: hash,
      ...(name === '' ? {} : { branch: name }),
      ...(remote === undefined ? {} : { remote }),
      dirty: diff.text !== '',
      ...(diff.text === '' ? {} : { diff: diff.text }),
    };
  } catch {
    return undefined;
  }
}

interface GitOutput {
  readonly ok: boolean;
  /** At most 1 MiB of it. */
  readonly text: string;
}

async function runGit(directory: string, args: readonly string[], deadline: AbortSignal): Promise<GitOutput> {
  return new Promise((settle) => {
    // Only reading: a lock of another git is neither waited for nor taken.
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_PAGER: 'cat' };
    const child = spawn('git', ['--no-pager', ...args], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (ok: boolean): void => {
      deadline.removeEventListener('abort', giveUp);
      child.stdout.destroy();
      child.kill('SIGKILL');
      settle({ ok, text: textOf(Buffer.concat(chunks)) });
    };
    const giveUp = (): void => finish(false);
    if (deadline.aborted) giveUp();
    else deadline.addEventListener('abort', giveUp);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length > LONGEST_DIFF) finish(true);
    });
    child.on('error', () => finish(false));
    child.on('close', (code) => finish(code === 0));
  });
}

/** Cut between characters. */
function textOf(bytes: Buffer): string {
  if (bytes.byteLength <= LONGEST_DIFF) return bytes.toString('utf8');
  let end = LONGEST_DIFF;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString('utf8');
}

function remoteOf(text: string): string | undefined {
  const urls = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^(\S+)\t(.+) \(fetch\)(?: \[.*\])?$/.exec(line);
    if (match !== null) urls.set(match[1]!, match[2]!);
  }
  const url = urls.get('origin') ?? (urls.size === 1 ? [...urls.values()][0] : undefined);
  return url === undefined ? undefined : withoutCredentials(url);
}

/**
 * The user name of `git@host:path` and `ssh://git@host/path` stays: it is part of the address and opens
 * nothing. Whatever else stands before the host (a name, a password, a token) goes.
 */
export function withoutCredentials(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/is.exec(url);
  if (match === null) return url.replace(/^([^@:/\\]+):[^@/\\]*@/, '$1@');
  const [, scheme = '', authority = '', rest = ''] = match;
  const at = authority.lastIndexOf('@');
  const isSsh = /ssh:\/\/$/i.test(scheme);
  const user = isSsh && at !== -1 ? `${authority.slice(0, at).split(':')[0]}@` : '';
  // A token may stand in the query as well.
  return scheme + user + authority.slice(at + 1) + rest.replace(/[?#].*$/s, '');
}
