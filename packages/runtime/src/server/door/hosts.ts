import { hostname } from 'node:os';
import { isIP } from 'node:net';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Whether the `Host` of a request is one of ours. A page of another site whose name was made to point to
 * this machine (DNS rebinding) sends its own name, and gets nothing. An address in numbers cannot be
 * rebound: it is allowed where we listen beyond this machine.
 */
export function hostCheck(options: {
  readonly listensOn: string;
  readonly port: number;
  /** Where a proxy serves the page for others. */
  readonly origin: URL | undefined;
}): (host: string | undefined) => boolean {
  const { listensOn, port } = options;
  const own = listensOn.toLowerCase();
  const names = new Set([...LOOPBACK, isIP(own) === 6 ? `[${own}]` : own]);
  const beyond = !isLoopback(listensOn);
  if (beyond) names.add(hostname().toLowerCase());
  return (host) => {
    if (options.origin !== undefined && host?.toLowerCase() === options.origin.host) return true;
    const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(host?.toLowerCase() ?? '');
    if (match === null || Number(match[2] ?? 80) !== port) return false;
    const name = match[1]!;
    return names.has(name) || (beyond && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  };
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
