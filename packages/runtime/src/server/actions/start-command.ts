import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunRow } from '@run-pipeline/core/ports';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';
import type { Place } from './place.js';

/** From the start of the process to its run: the file is evaluated and its steps are packaged. */
const PATIENCE_MS = 120_000;
const LONGEST_ERROR = 4_000;

/** The command line that stands beside this server. */
const program = (): string => fileURLToPath(new URL('../bin/run-pipeline.js', import.meta.url));

/**
 * Starts the command line as a process of its own, which outlives this server, and waits until the run that
 * it drives is there. `find` looks for it in the store; when the process ends before, what it said is
 * the answer.
 */
export async function startCommand(
  context: ServerContext,
  options: {
    readonly words: readonly string[];
    readonly place: Place;
    readonly find: (child: { readonly pid: number }) => Promise<RunRow | undefined>;
  },
): Promise<RunRow> {
  const { project } = context;
  const directory = mkdtempSync(join(project.home, 'tmp', 'page-'));
  const output = join(directory, 'output');
  const file = openSync(output, 'w', 0o600);
  const child = spawn(process.execPath, [program(), ...options.words], {
    ...options.place,
    detached: true,
    // A file, not a pipe: the process goes on when this one ends.
    stdio: ['ignore', 'ignore', file],
  });
  closeSync(file);
  child.unref();
  try {
    return await new Promise<RunRow>((done, fail) => {
      let looking = false;
      let ended = false;
      const look = async (): Promise<void> => {
        if (looking) return;
        looking = true;
        // What ended before this look has committed all that it ever will.
        const last = ended;
        try {
          const row = child.pid === undefined ? undefined : await options.find({ pid: child.pid });
          if (row !== undefined) end(() => done(row));
          else if (last) end(() => fail(refused(output)));
        } catch (error) {
          end(() => fail(error as Error));
        }
        looking = false;
        if (ended && !last) void look();
      };
      const unwatch = project.store.watch(() => void look());
      const timer = setTimeout(
        () =>
          end(() =>
            fail(
              new Refusal(
                503,
                'not-started',
                `the run has not begun within ${PATIENCE_MS / 1000} s; its process goes on`,
              ),
            ),
          ),
        PATIENCE_MS,
      );
      const end = (settle: () => void): void => {
        unwatch();
        clearTimeout(timer);
        settle();
      };
      child.once('error', (error) => end(() => fail(error)));
      child.once('exit', () => {
        ended = true;
        void look();
      });
      void look();
    });
  } finally {
    // The process keeps what it has open.
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the command line said before it gave up. */
function refused(output: string): Refusal {
  const text = readFileSync(output, 'utf8').slice(-LONGEST_ERROR);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const first = lines.findLastIndex((line) => line.startsWith('✖'));
  const [message = 'its process ended before it began', ...rest] = lines.slice(Math.max(first, 0));
  const help = rest.join('\n');
  return new Refusal(409, 'not-started', message.replace(/^✖ /, ''), help === '' ? undefined : help);
}
