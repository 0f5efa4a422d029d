import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';

/**
 * Who may ask. The link that the terminal prints holds the token of this start; whoever opens it gets a
 * cookie, which outlives the server: an open page goes on after a restart. The key that signs cookies
 * stays in the project's home, readable by its owner alone. A token that the user chose is part of it,
 * so that choosing another one shuts out whoever held the old one.
 */
export interface Sessions {
  readonly token: string;
  readonly cookieName: string;
  isToken(text: string): boolean;
  /**
   * Stands for the token once, within a minute: for the arguments of a browser, which everybody on this
   * machine can read.
   */
  ticket(): string;
  takeTicket(text: string): boolean;
  /** Value of a `Set-Cookie` header. */
  issue(): string;
  /** Whether a `Cookie` header holds a session. */
  holds(header: string | undefined): boolean;
}

const SECRET_FILE = 'page-secret';
const LIFETIME_S = 30 * 24 * 3600;
const TICKET_MS = 60_000;

export function openSessions(options: {
  readonly home: string;
  /** Undefined: a new one for this start. */
  readonly chosenToken: string | undefined;
  /** The page is reached by https: the cookie goes no other way. */
  readonly secure: boolean;
}): Sessions {
  const { home, chosenToken } = options;
  const token = chosenToken ?? randomBytes(24).toString('base64url');
  const key = createHmac('sha256', readSecret(home))
    .update(`session key 1\n${chosenToken ?? ''}`)
    .digest();
  const sign = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  // Cookies know no ports: two projects' servers on one host must not take each other's away.
  const cookieName = `run-pipeline-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  /** What is left of a ticket, to when it is good. */
  const tickets = new Map<string, number>();
  const known = (text: string): string => sign(`ticket ${text}`).toString('base64url');
  return {
    token,
    cookieName,
    isToken: (text) => timingSafeEqual(sign(text), sign(token)),
    ticket() {
      const now = performance.now();
      for (const [old, until] of tickets) if (until < now) tickets.delete(old);
      const ticket = randomBytes(18).toString('base64url');
      tickets.set(known(ticket), now + TICKET_MS);
      return ticket;
    },
    takeTicket(text) {
      const until = tickets.get(known(text));
      tickets.delete(known(text));
      return until !== undefined && until >= performance.now();
    },
    issue() {
      const until = String(Math.floor(Date.now() / 1000) + LIFETIME_S);
      const value = `${until}.${sign(until).toString('base64url')}`;
      return `${cookieName}=${value}; Path=/; Max-Age=${LIFETIME_S}; HttpOnly; SameSite=Strict${options.secure ? '; Secure' : ''}`;
    },
    holds(header) {
      const prefix = `${cookieName}=`;
      for (const part of (header ?? '').split(';')) {
        const cookie = part.trim();
        if (!cookie.startsWith(prefix)) continue;
        const [until = '', mac = ''] = cookie.slice(prefix.length).split('.');
        const given = Buffer.from(mac, 'base64url');
        const wanted = sign(until);
        if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) continue;
        if (Number(until) > Date.now() / 1000) return true;
      }
      return false;
    },
  };
}

function readSecret(home: string): Buffer {
  const file = join(home, SECRET_FILE);
  try {
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = readFileSync(file, 'utf8').trim();
  // Of two servers that start at once the second may find a file that is not written yet.
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
  throw new RunPipelineError({
    kind: 'store',
    code: 'secret-damaged',
    message: `${file} does not hold a key`,
    help: 'Delete it: the next start makes a new one, and pages that are open have to be opened by the new link.',
  });
}
