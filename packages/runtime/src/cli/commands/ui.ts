import { fileURLToPath } from 'node:url';
import { openProject } from '../../engine/index.js';
import { printJson, printLines, human, type Context } from '../context.js';
import { usageError } from '../usage-error.js';
import { VERSION } from '../version.js';

/** `run-pipeline ui`: serves the page until it is interrupted. */
export async function uiCommand(context: Context): Promise<number> {
  const { options, style } = context;
  const token = options.text('token');
  if (token !== undefined && token.length < 16)
    throw usageError('--token needs at least 16 characters', 'openssl rand -hex 16 makes a good one');
  const { startServer } = await import('../../server/index.js');
  const project = await openProject(context);
  try {
    const server = await startServer({
      project,
      version: VERSION,
      pageDirectory: fileURLToPath(new URL('./page', import.meta.url)),
      host: options.text('host') ?? '127.0.0.1',
      port: options.number('port'),
      token,
      readOnly: options.has('read-only'),
      onBug: (error) => printLines(context.err, [`${style.bad('✖')} ${describe(error)}`]),
    });
    if (context.json) printJson(context, { url: server.link(), address: server.address });
    else printLines(human(context), [`${style.bold('run-pipeline')} ${server.link()}`]);
    await interrupted();
    await server.close();
    return 0;
  } finally {
    await project.store.close();
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Ctrl-C is how it is meant to end. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}
