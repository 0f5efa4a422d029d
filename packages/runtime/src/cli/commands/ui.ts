import { fileURLToPath } from 'node:url';
import { openProject } from '../../engine/index.js';
import type { NotedServer } from '../../server/index.js';
import { human, printJson, printLines, type Context } from '../context.js';
import { usageError } from '../usage-error.js';
import { VERSION } from '../version.js';
import { asTyped } from '../../project/as-typed.js';

/** `run-pipeline ui`: serves the page until it is interrupted. */
export async function uiCommand(context: Context): Promise<number> {
  const { options } = context;
  const token = checkedToken(context);
  const server = await import('../../server/index.js');
  const project = await openProject(context);
  try {
    if (options.has('stop')) return await stop(context, await server.stopBackground(project.home));
    if (options.has('background')) {
      const env = token === undefined ? context.env : { ...context.env, RUN_PIPELINE_UI_TOKEN: token };
      const running = await server.startInBackground(project, {
        version: VERSION,
        words: serveWords(context),
        env,
      });
      return await tell(
        context,
        running,
        asTyped('it goes on in the background; run-pipeline ui --stop ends it'),
      );
    }
    const running = isPlain(context) ? await server.findRunningServer(project.home) : undefined;
    if (running?.settings === server.settingsOf(context.env))
      return await tell(context, running, asTyped('it is served already; run-pipeline ui --stop ends that'));
    return await serve(context, project, token);
  } finally {
    await project.close();
  }
}

/** Nothing asks for another server than the one that there may be. */
const isPlain = ({ options, env }: Context): boolean =>
  !['port', 'host', 'token', 'origin', 'read-only'].some((name) => options.has(name)) &&
  env['RUN_PIPELINE_UI_IDLE_MS'] === undefined;

const serveWords = ({ options }: Context): readonly string[] => [
  ...['port', 'host', 'origin'].flatMap((name) =>
    options.has(name) ? [`--${name}=${options.text(name)}`] : [],
  ),
  ...(options.has('read-only') ? ['--read-only'] : []),
];

function checkedToken({ options, env }: Context): string | undefined {
  const fromEnvironment = env['RUN_PIPELINE_UI_TOKEN'];
  const token = options.text('token') ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  if (token !== undefined && !/^[\x21-\x7e]{16,}$/.test(token)) {
    throw usageError(
      'the token must have at least 16 characters, without blanks',
      'openssl rand -hex 16 makes a good one',
    );
  }
  return token;
}

/** Only where it is: the page is served at its root. */
function checkedOrigin({ options }: Context): URL | undefined {
  const text = options.text('origin');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && text.replace(/\/$/, '') === url.origin;
  if (plain) return url;
  throw usageError(
    `--origin takes the address of a proxy, such as https://page.example.org, but got ${JSON.stringify(text)}`,
  );
}

async function serve(
  context: Context,
  project: Awaited<ReturnType<typeof openProject>>,
  token: string | undefined,
): Promise<number> {
  const { options, style } = context;
  const { startServer, noteServer, removeNote, reportReady, settingsOf, IDLE_VARIABLE } =
    await import('../../server/index.js');
  const readOnly = options.has('read-only');
  // Heard from the first moment on: who interrupts it while it starts means it, too.
  const interrupted = interruption();
  const server = await startServer({
    project,
    version: VERSION,
    pageDirectory: fileURLToPath(new URL('./page', import.meta.url)),
    host: options.text('host') ?? '127.0.0.1',
    port: options.number('port'),
    token,
    origin: checkedOrigin(context),
    readOnly,
    onBug: once((text) => printLines(context.err, [`${style.bad('✖')} ${text}`])),
  });
  noteServer(project.home, server, { version: VERSION, readOnly, settings: settingsOf(context.env) });
  try {
    reportReady();
    await tell(context, server, 'Ctrl-C ends it; runs that it started go on');
    await Promise.race([interrupted, idle(server, Number(context.env[IDLE_VARIABLE]))]);
  } finally {
    removeNote(project.home, server);
    await server.close();
  }
  return 0;
}

async function tell(
  context: Context,
  server: Pick<NotedServer, 'address' | 'origin' | 'token'>,
  what: string,
): Promise<number> {
  const { linkTo, openInBrowser } = await import('../../server/index.js');
  const { style } = context;
  if (context.json) printJson(context, { url: linkTo(server, '/'), address: server.address });
  else {
    printLines(human(context), [
      `${style.bold('the page of this project')}  ${style.info(linkTo(server, '/'))}`,
      style.dim(what),
    ]);
  }
  if (context.options.has('open') && !(await openInBrowser(server, '/')))
    printLines(context.err, [`${style.warn('▲')} no browser could be opened: open the link yourself`]);
  return 0;
}

async function stop(context: Context, stopped: boolean): Promise<number> {
  if (context.json) printJson(context, { stopped });
  else
    printLines(context.out, [
      stopped ? 'the page is served no more' : 'the page of this project is not served',
    ]);
  return 0;
}

/** What fails may fail with every look at the store: the same text is told once a minute. */
function once(tell: (text: string) => void): (error: unknown) => void {
  const told = new Map<string, number>();
  return (error) => {
    const text = describe(error);
    const now = performance.now();
    if (now - (told.get(text) ?? -Infinity) < 60_000) return;
    if (told.size > 100) told.clear();
    told.set(text, now);
    tell(text);
  };
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Ctrl-C is how it is meant to end. A second one ends a server that does not. */
function interruption(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        done();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

/** Settles when nobody has wanted anything for so long; never for a server that a person watches. */
function idle(server: { readonly idleSince: () => number | undefined }, limitMs: number): Promise<void> {
  return new Promise((done) => {
    if (!Number.isFinite(limitMs)) return;
    const timer = setInterval(
      () => {
        const since = server.idleSince();
        if (since === undefined || performance.now() - since < limitMs) return;
        clearInterval(timer);
        done();
      },
      Math.min(limitMs, 60_000),
    );
    timer.unref();
  });
}
