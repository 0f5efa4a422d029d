import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import type { Session } from '@run-pipeline/core/wire';
import { isAlive, processIdentity } from '../project/process-identity.js';
import type { RunningServer } from './start-server.js';

/**
 * The server of a project, as it is written down in the project's home for other commands to find. It
 * holds the token, so it is readable by its owner alone.
 */
export interface NotedServer {
  readonly address: string;
  readonly token: string;
  readonly instance: string;
  readonly version: string;
  readonly readOnly: boolean;
  readonly identity: ProcessIdentity;
}

const NOTE = 'page-server.json';

/** Where the command line asks for a ticket; no resource of the page. */
export const TICKET = '/api/ticket';

export function noteServer(
  home: string,
  server: RunningServer,
  facts: Pick<NotedServer, 'version' | 'readOnly'>,
): void {
  const note: NotedServer = {
    address: server.address,
    token: server.token,
    instance: server.instance,
    version: facts.version,
    readOnly: facts.readOnly,
    identity: processIdentity(),
  };
  const temporary = join(home, `${NOTE}.${process.pid}.tmp`);
  writeFileSync(temporary, JSON.stringify(note), { mode: 0o600 });
  renameSync(temporary, join(home, NOTE));
}

/** Only our own note: another server may have been started since. */
export function removeNote(home: string, server: RunningServer): void {
  if (readNote(home)?.instance === server.instance) rmSync(join(home, NOTE), { force: true });
}

/** The server that serves this home now: its process lives, and it answers as the one that was noted. */
export async function findRunningServer(home: string): Promise<NotedServer | undefined> {
  const note = readNote(home);
  if (note === undefined || isAlive(note.identity) === 'dead') return undefined;
  try {
    const response = await fetch(`${note.address}/api/session`, {
      headers: { authorization: `Bearer ${note.token}` },
      signal: AbortSignal.timeout(2_000),
      redirect: 'error',
    });
    if (!response.ok) return undefined;
    const session = (await response.json()) as Session;
    return session.server === note.instance ? note : undefined;
  } catch {
    return undefined;
  }
}

/** The server that is noted, if its process lives; whether it answers was not asked. */
export function notedServer(home: string): NotedServer | undefined {
  const note = readNote(home);
  return note === undefined || isAlive(note.identity) !== 'alive' ? undefined : note;
}

/** What a browser is started with: good once, and soon no more. */
export async function ticketLink(
  server: Pick<NotedServer, 'address' | 'token'>,
  path: string,
): Promise<string> {
  const response = await fetch(`${server.address}${TICKET}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}` },
    signal: AbortSignal.timeout(5_000),
  });
  const { ticket } = (await response.json()) as { readonly ticket: string };
  return `${server.address}${path}${path.includes('?') ? '&' : '?'}ticket=${encodeURIComponent(ticket)}`;
}

/** What a person opens: a path of the page, with the token. */
export function linkTo(server: Pick<NotedServer, 'address' | 'token'>, path: string): string {
  const separator = path.includes('?') ? '&' : '?';
  return `${server.address}${path}${separator}token=${encodeURIComponent(server.token)}`;
}

function readNote(home: string): NotedServer | undefined {
  try {
    const note = JSON.parse(readFileSync(join(home, NOTE), 'utf8')) as Partial<NotedServer> | null;
    const { address, token, instance, identity } = note ?? {};
    const complete =
      typeof address === 'string' &&
      typeof token === 'string' &&
      typeof instance === 'string' &&
      typeof identity?.pid === 'number' &&
      typeof identity.host === 'string';
    return complete ? (note as NotedServer) : undefined;
  } catch {
    return undefined;
  }
}
