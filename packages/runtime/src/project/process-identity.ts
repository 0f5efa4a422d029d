import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessIdentity } from '@run-pipeline/core/ports';

/**
 * Who owns a run or an attempt, precisely enough that a later process can tell whether the owner still
 * lives and is the same process: a pid alone is reused, a host may have been rebooted, and pids of
 * another pid namespace (a container) mean nothing here, so a namespace counts as a host of its own.
 */
export function processIdentity(pid: number = process.pid): ProcessIdentity {
  return {
    host: thisHost(),
    bootId: thisBoot(),
    pid,
    startTime: startTimeOf(pid) ?? `registered:${new Date(performance.timeOrigin).toISOString()}`,
  };
}

export type Liveness = 'alive' | 'dead' | 'unknown';

/**
 * Whether the process is still there. `unknown`: it is on another host, so only its lease tells.
 * Where the kernel does not tell start times, a living pid counts as alive: refusing to take over is
 * the safe side.
 */
export function isAlive(identity: ProcessIdentity): Liveness {
  if (identity.host !== thisHost()) return 'unknown';
  const boot = thisBoot();
  if (boot !== UNKNOWN_BOOT && identity.bootId !== UNKNOWN_BOOT && identity.bootId !== boot) return 'dead';
  if (!signalReaches(identity.pid)) return 'dead';
  const startTime = startTimeOf(identity.pid);
  if (startTime === 'zombie') return 'dead';
  if (startTime === undefined || identity.startTime.startsWith('registered:')) return 'alive';
  return startTime === identity.startTime ? 'alive' : 'dead';
}

/**
 * Whether a process of the group that the identity led lives: what a worker started may outlive it. The
 * number of a group is not given to a new process while the group lasts; when the number is a process
 * again that is not the leader, the group is gone.
 */
export function isGroupAlive(identity: ProcessIdentity): boolean {
  const { processGroup } = identity;
  if (processGroup === undefined || identity.host !== thisHost() || identity.bootId !== thisBoot())
    return false;
  if (process.platform !== 'linux')
    return !signalReaches(identity.pid) && signalReaches(-processGroup, 'group');
  const leader = kernelFacts(processGroup);
  if (leader !== undefined && leader.startTime !== identity.startTime) return false;
  return readdirSync('/proc').some((name) => {
    const facts = /^\d+$/.test(name) ? kernelFacts(Number(name)) : undefined;
    return facts !== undefined && !facts.ended && facts.processGroup === processGroup;
  });
}

const UNKNOWN_BOOT = 'unknown';
/** The inode of the initial pid namespace is a constant of Linux (PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

function thisHost(): string {
  const name = hostname();
  if (process.platform !== 'linux') return name;
  try {
    const namespace = readlinkSync('/proc/self/ns/pid');
    return namespace === INITIAL_PID_NAMESPACE ? name : `${name}#${namespace.replace(/\D/g, '')}`;
  } catch {
    return name;
  }
}

function thisBoot(): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    } catch {
      return UNKNOWN_BOOT;
    }
  }
  if (process.platform === 'darwin') return ask('sysctl', ['-n', 'kern.bootsessionuuid']) ?? UNKNOWN_BOOT;
  return UNKNOWN_BOOT;
}

/** Clock ticks since boot, or what `ps` says; `zombie` when it has ended unreaped. */
function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const facts = kernelFacts(pid);
    return facts?.ended === true ? 'zombie' : facts?.startTime;
  }
  return process.platform === 'win32' ? undefined : ask('ps', ['-o', 'lstart=', '-p', String(pid)]);
}

/** Fields 3 (state), 5 (process group) and 22 (start time) of /proc/<pid>/stat. */
function kernelFacts(
  pid: number,
):
  | { readonly ended: boolean; readonly processGroup: number; readonly startTime: string | undefined }
  | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name (field 2) may hold spaces and parentheses: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      ended: fields[0] === 'Z' || fields[0] === 'X',
      processGroup: Number(fields[2]),
      startTime: fields[19],
    };
  } catch {
    return undefined;
  }
}

function signalReaches(pid: number, kind: 'process' | 'group' = 'process'): boolean {
  // 0 and negatives would mean process groups.
  if (!Number.isSafeInteger(pid) || (kind === 'process' && pid <= 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ask(command: string, args: readonly string[]): string | undefined {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 2000,
    }).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}
