import { performance } from 'node:perf_hooks';
import { LiveReporter } from './live.js';
import { QuietReporter } from './quiet.js';
import { chooseMode, type OutputMode, type Reporter } from './reporter.js';
import { StreamReporter } from './stream.js';
import type { Style } from './style.js';

/** The reporter that fits where the output goes. */
export function createReporter(options: {
  readonly wanted: 'auto' | OutputMode;
  /** Who reads: its size, and whether it is a terminal. */
  readonly stream: NodeJS.WriteStream;
  /** Writes to it; default: `stream.write`. */
  readonly write?: (text: string) => void;
  readonly style: Style;
  readonly env: NodeJS.ProcessEnv;
  /** Places in errors are relative to it. */
  readonly cwd: string;
}): { readonly reporter: Reporter; readonly mode: OutputMode } {
  const { stream, style, env, cwd } = options;
  const shared = {
    style,
    now: () => performance.now(),
    out: {
      write: options.write ?? ((text: string) => stream.write(text)),
      get columns() {
        return stream.columns;
      },
      get rows() {
        return stream.rows;
      },
    },
  };
  const mode = chooseMode(options.wanted, stream, env);
  if (mode === 'live') return { mode, reporter: new LiveReporter(shared) };
  if (mode === 'quiet') return { mode, reporter: new QuietReporter(shared) };
  const onGitHub = env['GITHUB_ACTIONS'] === 'true';
  const github = onGitHub ? { cwd, workspace: env['GITHUB_WORKSPACE'] } : undefined;
  return { mode, reporter: new StreamReporter({ ...shared, github }) };
}
