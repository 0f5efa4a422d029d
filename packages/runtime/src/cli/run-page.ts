import { resolvePaths } from '../project/paths.js';
import { linkTo, notedServer, settingsOf, type NotedServer } from '../server/running-server.js';
import { isRunPipelineError } from '@run-pipeline/core/model';
import type { Context } from './context.js';
import { VERSION } from './version.js';

/** What a run has to do with the web page. */
export interface RunPage {
  /** The run is there: its link is told, and opened where that was asked for. */
  announce(run: string): void;
  /** Everything that is to be told was told. */
  settled(): Promise<void>;
  /** Where the run can be seen, if the page is served; without the token, since a browser has it. */
  address(run: string): string | undefined;
}

/**
 * `--ui` sees to it that the page is served, by a process that outlives this one. Without it, a page that is
 * served anyway is only named.
 */
export function runPage(context: Context, tell: (line: string) => void): RunPage {
  const { options, style } = context;
  const paths = resolvePaths(context);
  let running: NotedServer | undefined;
  const wanted = options.has('ui') || options.has('open');
  // It starts while the file of the pipeline is packaged.
  const starting = wanted ? start(context) : undefined;
  let announced: Promise<void> | undefined;
  const announce = async (run: string): Promise<void> => {
    try {
      running = await starting;
      if (running === undefined) return;
      const path = pathOf(run);
      tell(`${style.info('◉')} ${style.info(linkTo(running, path))}`);
      if (!options.has('open')) return;
      const { openInBrowser } = await import('../server/open-browser.js');
      if (!(await openInBrowser(running, path)))
        tell(`${style.warn('▲')} no browser could be opened: open the link yourself`);
    } catch (error) {
      // The run is what was asked for; that nobody can watch it in a browser does not end it.
      const message = error instanceof Error ? error.message : String(error);
      tell(
        `${style.warn('▲')} ${message}${isRunPipelineError(error) && error.help !== undefined ? ` (${error.help})` : ''}`,
      );
    }
  };
  return {
    announce(run) {
      if (wanted) announced ??= announce(run);
    },
    settled: () => announced ?? Promise.resolve(),
    address(run) {
      const known = running ?? notedServer(paths.home);
      // One with other settings shows another store.
      return known?.settings === settingsOf(context.env) ? `${known.origin}${pathOf(run)}` : undefined;
    },
  };
}

async function start(context: Context): Promise<NotedServer> {
  const { startInBackground } = await import('../server/background.js');
  return startInBackground(resolvePaths(context), { version: VERSION, env: context.env });
}

/** Ids are safe in a path. */
const pathOf = (run: string): string => `/runs/${run}`;
