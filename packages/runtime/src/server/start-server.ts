import { getRequestListener } from '@hono/node-server';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { Project } from '../project/index.js';
import { createApp } from './app.js';
import { createContext } from './create-context.js';
import { SECURITY_HEADERS } from './door/headers.js';
import { hostCheck, isLoopback } from './door/hosts.js';
import { openSessions } from './door/sessions.js';
import { StaticPage } from './static-page.js';
import { LiveFeed } from './stream/live-feed.js';

export interface ServerOptions {
  readonly project: Project;
  readonly version: string;
  /** The built files of the page. */
  readonly pageDirectory: string;
  /** `127.0.0.1` unless the user says otherwise, which takes a token that they chose. */
  readonly host: string;
  /** Undefined: 4380, or the next one that is free. */
  readonly port: number | undefined;
  readonly token: string | undefined;
  /** Where a proxy serves the page for others: `https://page.example.org`. */
  readonly origin: URL | undefined;
  readonly readOnly: boolean;
  readonly onBug: (error: unknown) => void;
}

export interface RunningServer {
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** For programs of this machine: `http://127.0.0.1:4380`. */
  readonly address: string;
  /** For people: the same, or what a proxy serves. */
  readonly origin: string;
  /** Since when nobody has asked for anything and no page was open, by `performance.now()`. */
  readonly idleSince: () => number | undefined;
  /** Ends streams and connections at once. The project stays the caller's. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 4380;
const PORTS_TRIED = 100;

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { project, host, origin } = options;
  if ((!isLoopback(host) || origin !== undefined) && options.token === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'token-needed',
      message: `${origin === undefined ? `listening on ${host}` : `a proxy at ${origin.origin}`} opens the page to other machines: that takes a token of your own`,
      help: 'Add --token with a long random text; the connection is not encrypted, so put a proxy with TLS in front of it.',
    });
  }
  const sessions = openSessions({
    home: project.home,
    chosenToken: options.token,
    secure: origin?.protocol === 'https:',
  });
  const context = createContext({
    project,
    version: options.version,
    actions: !options.readOnly,
    onBug: options.onBug,
  });
  const feed = new LiveFeed(context);
  const app = createApp({ context, sessions, feed, page: new StaticPage(options.pageDirectory), origin });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  let isOurHost = (_host: string | undefined): boolean => false;
  let lastRequest = performance.now();
  const server = createServer((incoming, outgoing) => {
    lastRequest = performance.now();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) outgoing.setHeader(name, value);
    if (isOurHost(incoming.headers.host)) return void listener(incoming, outgoing);
    outgoing.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
    outgoing.end('This server answers to its own name only.\n');
  });
  const port = await listen(server, options);
  isOurHost = hostCheck({ listensOn: host, port, origin });
  const address = `http://${shownHost(host)}:${port}`;
  return {
    instance: context.instance,
    host,
    port,
    token: sessions.token,
    address,
    origin: origin?.origin ?? address,
    idleSince: () => (feed.connections > 0 ? undefined : lastRequest),
    async close() {
      feed.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      await context.artifacts.close();
    },
  };
}

/** An address to listen on everywhere is none to open. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * The port that was asked for. Else the one that this project had last, so that a page that is open meets
 * the next server; else the first one that is free.
 */
async function listen(server: Server, options: ServerOptions): Promise<number> {
  const { host, port, project } = options;
  if (port !== undefined) return tryPorts(server, host, [port]);
  const remembered = readPort(project.home);
  const found = await tryPorts(server, host, [
    ...(remembered === undefined ? [] : [remembered]),
    ...Array.from({ length: PORTS_TRIED }, (_, index) => DEFAULT_PORT + index),
  ]);
  if (found !== remembered) writeFileSync(join(project.home, PORT_FILE), String(found));
  return found;
}

const PORT_FILE = 'page-port';

function readPort(home: string): number | undefined {
  try {
    const port = Number(readFileSync(join(home, PORT_FILE), 'utf8'));
    return Number.isInteger(port) && port >= 1024 && port <= 65_535 ? port : undefined;
  } catch {
    return undefined;
  }
}

async function tryPorts(server: Server, host: string, ports: readonly number[]): Promise<number> {
  for (const [index, port] of ports.entries()) {
    try {
      await listenOn(server, host, port);
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' || index === ports.length - 1)
        throw cannotListen(code, message, { host, port });
    }
  }
  throw new Error('no port was tried');
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      done();
    });
  });
}

function cannotListen(
  code: string | undefined,
  message: string,
  place: { readonly host: string; readonly port: number },
): RunPipelineError {
  const at = `${place.host}:${place.port}`;
  const why: Readonly<Record<string, readonly [string, string]>> = {
    EADDRINUSE: [`${at} is in use by another program`, 'Leave --port out: the next free one is taken.'],
    EACCES: [`${at} may not be listened on`, 'Ports below 1024 belong to the administrator.'],
    EADDRNOTAVAIL: [
      `${place.host} is no address of this machine`,
      'Leave --host out to listen on this machine alone.',
    ],
    ENOTFOUND: [`${place.host} is no known name`, 'Leave --host out to listen on this machine alone.'],
  };
  const [text, help] = why[code ?? ''] ?? [`the page cannot be served on ${at}: ${message}`, undefined];
  return new RunPipelineError({ kind: 'usage', code: 'cannot-listen', message: text, help });
}
