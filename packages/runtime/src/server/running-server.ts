import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskUrl } from '@run-pipeline/core/model';
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
  /** What people open. */
  readonly origin: string;
  readonly token: string;
  readonly instance: string;
  readonly version: string;
  readonly readOnly: boolean;
  /** Where its environment says that state is, beside the home (`settingsOf`). */
  readonly settings: string;
  readonly identity: ProcessIdentity;
}

/**
 * A server that was started with other settings shows another store, or tells other agents of what it enqueues.
 * Without passwords: it is written down.
 */
export const settingsOf = (env: NodeJS.ProcessEnv): string =>
  JSON.stringify(['STORE', 'BLOBS', 'QUEUE'].map((name) => maskUrl(env[`RUN_PIPELINE_${name}`] ?? '')));

const NOTE = 'page-server.json';
const PATIENCE_MS = 3_000;
const LONGEST_ANSWER = 100_000;

/** Where the command line asks for a ticket; no resource of the page. */
export const TICKET = '/api/ticket';

export function noteServer(
  home: string,
  server: RunningServer,
  facts: Pick<NotedServer, 'version' | 'readOnly' | 'settings'>,
): void {
  const note: NotedServer = {
    address: server.address,
    origin: server.origin,
    token: server.token,
    instance: server.instance,
    ...facts,
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
  const session = (await ask(note, 'GET', '/api/session')) as Session | undefined;
  return session?.server === note.instance ? note : undefined;
}

/**
 * What the server answers as JSON; undefined when it does not. By Node's own client: `fetch` of Node 20 may
 * never settle when the other side hangs up, and its time limit does not keep a process alive.
 */
async function ask(
  server: Pick<NotedServer, 'address' | 'token'>,
  method: 'GET' | 'POST',
  path: string,
): Promise<unknown> {
  // Most commands never come here.
  const { request } = await import('node:http');
  return new Promise((settle) => {
    const timer = setTimeout(() => end(undefined), PATIENCE_MS);
    const end = (answer: unknown): void => {
      clearTimeout(timer);
      sent.destroy();
      settle(answer);
    };
    const sent = request(`${server.address}${path}`, {
      method,
      headers: { authorization: `Bearer ${server.token}` },
      agent: false,
    });
    sent.on('error', () => end(undefined));
    sent.on('close', () => end(undefined));
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST_ANSWER) end(undefined);
      });
      response.on('error', () => end(undefined));
      response.on('end', () => {
        try {
          end(response.statusCode === 200 ? JSON.parse(text) : undefined);
        } catch {
          end(undefined);
        }
      });
    });
    sent.end();
  });
}

/** The server that is noted, if its process lives; whether it answers was not asked. */
export function notedServer(home: string): NotedServer | undefined {
  const note = readNote(home);
  return note === undefined || isAlive(note.identity) !== 'alive' ? undefined : note;
}

/** What a browser is started with: good once, and soon no more. Undefined when the server does not answer. */
export async function ticketLink(
  server: Pick<NotedServer, 'address' | 'origin' | 'token'>,
  path: string,
): Promise<string | undefined> {
  const answer = (await ask(server, 'POST', TICKET)) as { readonly ticket: string } | undefined;
  if (answer === undefined) return undefined;
  return `${server.origin}${path}${path.includes('?') ? '&' : '?'}ticket=${encodeURIComponent(answer.ticket)}`;
}

/** What a person opens: a path of the page, with the token. */
export function linkTo(server: Pick<NotedServer, 'origin' | 'token'>, path: string): string {
  const separator = path.includes('?') ? '&' : '?';
  return `${server.origin}${path}${separator}token=${encodeURIComponent(server.token)}`;
}

function readNote(home: string): NotedServer | undefined {
  try {
    const note = JSON.parse(readFileSync(join(home, NOTE), 'utf8')) as Partial<NotedServer> | null;
    const { address, origin, token, instance, identity } = note ?? {};
    const complete =
      typeof address === 'string' &&
      /^http:\/\/[\w.:[\]-]+$/.test(address) &&
      URL.canParse(address) &&
      typeof origin === 'string' &&
      URL.canParse(origin) &&
      typeof token === 'string' &&
      typeof instance === 'string' &&
      typeof identity?.pid === 'number' &&
      typeof identity.host === 'string';
    return complete ? (note as NotedServer) : undefined;
  } catch {
    return undefined;
  }
}
