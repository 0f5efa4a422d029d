import { writeSync } from 'node:fs';
import { MOST_RETRIES } from '@run-pipeline/core/define';
import { EXIT, stepName, type PipelineDefinition, type RunEvent } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { rootFailures, type RunView } from '@run-pipeline/core/run-view';
import type { RunResult } from '../engine/api.js';
import { createReporter } from '../terminal/create-reporter.js';
import type { OutputMode, Reporter } from '../terminal/reporter.js';
import { summaryLines } from '../terminal/summary.js';
import { human, printLines, type Context } from './context.js';
import { graceMs } from '../engine/settings.js';
import { listenForInterrupts } from './interrupt.js';
import { errorLines } from './report-error.js';

/** What a run gets from the command line while it goes on. */
export interface RunHooks {
  readonly onEvent: (event: RunEvent) => void;
  readonly onWarning: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface Conducted {
  readonly result: RunResult;
  readonly view: RunView;
  readonly exitCode: number;
}

/**
 * Conducts one run: shows its events (and prints them, with `--json`), hears Ctrl-C, ends with a summary. What the
 * user's own code prints in this process meanwhile is led around the footer and the JSON lines.
 */
export async function conductRun(
  context: Context,
  options: {
    readonly store: Store;
    readonly definition?: PipelineDefinition | undefined;
    /** Of a resumed run: what it had done before. */
    readonly before?: readonly RunEvent[];
    readonly start: (hooks: RunHooks) => Promise<RunResult>;
    /** What the file itself asks for, where no flag says otherwise. */
    readonly output?: 'auto' | OutputMode | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Said once the run is under way. */
    readonly notes?: readonly string[];
  },
): Promise<Conducted> {
  const { style } = context;
  const reader = human(context);
  const { reporter, mode } = createReporter({
    wanted: wantedOutput(context, options.output),
    stream: reader.stream,
    write: (text) => reader.write(text),
    style,
    env: context.env,
    cwd: context.cwd,
  });
  for (const event of options.before ?? []) reporter.recall(event);
  const interrupt = listenForInterrupts({
    onSignal: (signal) => {
      const again = signal === 'SIGINT' ? ' (Ctrl-C again: at once)' : '';
      reporter.note(`${style.warn('■')} stopping: steps are told, their outcomes are kept${again}`);
    },
    onUncaught: (error) => {
      const lines = errorLines(error, { style, cwd: context.cwd, trace: context.trace });
      const text = [...lines, 'nobody awaited it: the run is stopped'].join('\n');
      if (mode === 'quiet') context.err.write(`${text}\n`);
      else reporter.note(text);
    },
    patienceMs: 3 * graceMs(context.env),
  });
  const controller = controllerOutput(context, mode, reporter);
  const unattach = attach(reporter, () => interrupt.exitCode() !== undefined);
  for (const note of options.notes ?? []) reporter.note(note);
  try {
    const result = await options.start({
      onEvent: (event) => {
        if (context.json) context.out.write(`${JSON.stringify(event)}\n`);
        reporter.event(event);
      },
      onWarning: (message) => reporter.note(`${style.warn('▲')} ${message}`),
      signal:
        options.signal === undefined ? interrupt.signal : AbortSignal.any([interrupt.signal, options.signal]),
    });
    controller.flush();
    reporter.close();
    if (mode !== 'quiet' || result.status !== 'completed') {
      printLines(reader, await finalLines(context, { ...options, reporter, result }));
    }
    const exitCode = interrupt.exitCode() ?? (result.status === 'completed' ? EXIT.ok : EXIT.failed);
    return { result, view: reporter.progress.view, exitCode };
  } finally {
    controller.end();
    reporter.close();
    unattach();
    interrupt.dispose();
  }
}

/** Whatever ends or suspends this process, the terminal gets its cursor back (signals end it through `exit`). */
function attach(reporter: Reporter, isExpected: () => boolean): () => void {
  const close = (code: number): void => {
    reporter.close();
    // A `process.exit(0)` of the user's code in this process is not the end of the run.
    if (!isExpected()) tellExit(code);
  };
  const suspend = (): void => {
    reporter.hide();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('exit', close);
  if (process.platform !== 'win32') process.on('SIGTSTP', suspend);
  return () => {
    process.off('exit', close);
    if (process.platform !== 'win32') process.off('SIGTSTP', suspend);
  };
}

function tellExit(code: number): void {
  process.exitCode = code === 0 ? EXIT.failed : code;
  const lines = [
    `✖ the pipeline's file called process.exit(${code}) while the run went on: it did not end`,
    '→ run-pipeline resume latest continues it; call process.exit() after `await pipe.start()`',
  ];
  try {
    writeSync(2, `${lines.join('\n')}\n`);
  } catch {
    // Nobody reads it; the exit code tells.
  }
}

/**
 * What the user's own code prints in this process while the run goes on: above the footer, in whole lines; on
 * stderr, when stdout carries JSON; else where it wants to.
 */
function controllerOutput(
  context: Context,
  mode: OutputMode,
  reporter: Reporter,
): { readonly flush: () => void; readonly end: () => void } {
  if (mode !== 'live') {
    const end = context.json ? context.outputs.divert((text) => context.err.write(text)) : () => {};
    return { flush: () => {}, end };
  }
  let open = '';
  const flush = (): void => {
    if (open !== '') reporter.note(open);
    open = '';
  };
  const undivert = context.outputs.divert((text) => {
    const lines = (open + text).split('\n');
    open = lines.pop()!;
    for (const line of lines) reporter.note(line);
  });
  return {
    flush,
    end: () => {
      undivert();
      flush();
    },
  };
}

/** A footer between the JSON lines of the same terminal would tear both. */
function wantedOutput(context: Context, given: 'auto' | OutputMode | undefined): 'auto' | OutputMode {
  const wanted = (context.options.text('output') ?? given ?? 'auto') as 'auto' | OutputMode;
  const shared = context.json && context.out.stream.isTTY;
  return shared && wanted !== 'quiet' ? 'stream' : wanted;
}

async function finalLines(
  context: Context,
  options: {
    readonly store: Store;
    readonly definition?: PipelineDefinition | undefined;
    readonly reporter: Reporter;
    readonly result: RunResult;
  },
): Promise<readonly string[]> {
  const { reporter, definition } = options;
  const inputs = await failedInputs(options.store, reporter.progress.view, options.result);
  return summaryLines({
    style: context.style,
    progress: reporter.progress,
    tail: (step) => reporter.tail(step),
    attempts: (step) => attemptsOf(definition, step),
    inputs: (step) => inputs.get(step) ?? [],
    trace: context.trace,
    columns: human(context).stream.columns,
  });
}

/**
 * Executions a step may have; elements of a mapped step have those of the step. Undefined where a function
 * decides: the bound that it has is no plan.
 */
function attemptsOf(definition: PipelineDefinition | undefined, step: string): number | undefined {
  const declared = definition?.steps.find(
    ({ name }) => name === step || name === step.replace(/\[\d+\]$/, ''),
  );
  if (definition === undefined || declared === undefined) return undefined;
  const { retries } = declared.options.retry ?? definition.options.retry;
  return retries >= MOST_RETRIES ? undefined : 1 + retries;
}

type Inputs = ReadonlyMap<string, readonly { readonly name: string; readonly shown: string }[]>;

/** What the failed steps were given, as far as their fingerprints can show it. */
async function failedInputs(store: Store, view: RunView, result: RunResult): Promise<Inputs> {
  const inputs = new Map<string, { name: string; shown: string }[]>();
  if (result.status === 'completed') return inputs;
  for (const { step } of rootFailures(view).slice(0, 3)) {
    // The summary of a failed run must come, whatever the store says now.
    const preimage = await store.readPreimage(result.id, stepName(step.name)).catch(() => undefined);
    const parts = preimage?.parts.filter(({ kind }) => INPUTS.has(kind)) ?? [];
    inputs.set(
      step.name,
      parts.map(({ name, shown, where }) => ({
        name,
        shown: shown ?? (where === undefined ? '(not shown)' : `from ${where}`),
      })),
    );
  }
  return inputs;
}

const INPUTS: ReadonlySet<string> = new Set(['input', 'parameter', 'file']);
