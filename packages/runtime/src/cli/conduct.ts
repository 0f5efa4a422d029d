import { writeSync } from 'node:fs';
import { MOST_RETRIES } from '@run-pipeline/core/define';
import {
  EXIT,
  isRunPipelineError,
  RunPipelineError,
  stepName,
  type PipelineDefinition,
  type RunEvent,
  type RunId,
} from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { rootFailures, type RunView } from '@run-pipeline/core/run-view';
import type { RunResult } from '../engine/api.js';
import { printable, printableWord } from '../terminal/sanitise.js';
import { createReporter } from '../terminal/create-reporter.js';
import type { OutputMode, Reporter } from '../terminal/reporter.js';
import { summaryLines } from '../terminal/summary.js';
import { human, printLines, type Context } from './context.js';
import { graceMs } from '../engine/settings.js';
import { listenForInterrupts } from './interrupt.js';
import { errorLines } from './report-error.js';
import { runPage } from './run-page.js';
import { asTyped } from '../project/as-typed.js';

/** What a run gets from the command line while it goes on. */
export interface RunHooks {
  readonly onEvent: (event: RunEvent) => void;
  readonly onWarning: (message: string) => void;
  /** The run is to stop. */
  readonly signal: AbortSignal;
  /** The run is on its own now; nothing happens to it. Only while it is elsewhere. */
  readonly detach: AbortSignal;
  /** Who drives the run from now on: what Ctrl-C means depends on it. At first it is this process. */
  readonly onPlace: (place: 'here' | 'elsewhere') => void;
  /** What code of the pipeline prints in the process that drives it elsewhere. */
  readonly onOutput: (chunk: { readonly stream: 'stdout' | 'stderr'; readonly text: string }) => void;
}

/** A run that goes on without us, or whose process is gone. */
export interface RunLeft {
  readonly left: 'detached' | 'lost';
  readonly row: Pick<RunRow, 'id' | 'pipeline' | 'number'>;
}

export interface Conducted {
  /** Undefined: it was left. */
  readonly result: RunResult | undefined;
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
    readonly start: (hooks: RunHooks) => Promise<RunResult | RunLeft>;
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
  const page = runPage(context, (line) => {
    // Quiet is about the run; the link was asked for.
    if (mode === 'quiet') context.err.write(`${line}\n`);
    else reporter.note(line);
  });
  let place: 'here' | 'elsewhere' = 'here';
  let began: RunId | undefined;
  const interrupt = listenForInterrupts({
    onSignal: (signal) => {
      if (place === 'elsewhere') return;
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
  const stop = new AbortController();
  const detach = new AbortController();
  interrupt.signal.addEventListener('abort', () => {
    (place === 'here' ? stop : detach).abort(interrupt.signal.reason);
  });
  const controller = controllerOutput(context, mode, reporter);
  const unattach = attach(reporter, () => interrupt.exitCode() !== undefined);
  for (const note of options.notes ?? []) reporter.note(note);
  try {
    const result = await options.start({
      onEvent: (event) => {
        if (context.json) context.out.write(`${JSON.stringify(event)}\n`);
        reporter.event(event);
        began = event.run;
        page.announce(event.run);
        // Nobody reads any more (`| head`): the run does not need us.
        if (place === 'elsewhere' && context.out.closed) detach.abort(new Error('nobody reads'));
      },
      onWarning: (message) => reporter.note(`${style.warn('▲')} ${asTyped(message)}`),
      signal: options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]),
      detach: detach.signal,
      onPlace: (now) => {
        place = now;
      },
      onOutput: ({ stream, text }) => controller.elsewhere(stream, text),
    });
    await page.settled();
    controller.flush();
    reporter.close();
    if ('left' in result) {
      printLines(reader, leftLines(context, result));
      return {
        result: undefined,
        view: reporter.progress.view,
        exitCode: interrupt.exitCode() ?? EXIT.failed,
      };
    }
    if (mode !== 'quiet' || result.status !== 'completed') {
      const { id } = result;
      const address = page.address(id);
      printLines(reader, await finalLines(context, { ...options, reporter, result, page: address }));
    }
    const exitCode = interrupt.exitCode() ?? (result.status === 'completed' ? EXIT.ok : EXIT.failed);
    return { result, view: reporter.progress.view, exitCode };
  } catch (error) {
    throw began === undefined ? error : continuable(error, began, place);
  } finally {
    controller.end();
    reporter.close();
    unattach();
    interrupt.dispose();
  }
}

/** The store or the artifacts are away or full: that ends a question, and only interrupts a run. */
function continuable(error: unknown, run: RunId, place: 'here' | 'elsewhere'): unknown {
  if (!isRunPipelineError(error) || error.kind !== 'store') return error;
  const { kind, code, message, at, help } = error;
  const more =
    place === 'here'
      ? `Then run-pipeline resume ${run} continues the run; completed steps are kept.`
      : `The run goes on elsewhere: run-pipeline follow ${run} looks at it again.`;
  return new RunPipelineError({
    kind,
    code,
    message,
    at,
    help: help === undefined ? more : `${help} ${more}`,
    cause: error.cause,
  });
}

function leftLines({ style }: Context, { left, row }: RunLeft): readonly string[] {
  const name = `${printableWord(row.pipeline)} #${row.number}`;
  if (left === 'lost') {
    return [
      `${style.bad('✖')} the process of ${name} is gone`,
      `${style.dim('next:')} ${style.info(asTyped(`run-pipeline resume ${row.id}`))}  ${style.dim('continue; completed steps are kept')}`,
    ];
  }
  return [
    `${style.info('↪')} ${name} goes on without this terminal`,
    `${style.dim('next:')} ${style.info(asTyped(`run-pipeline follow ${row.id}`))}  ${style.dim('look again')}`,
    `      ${style.info(asTyped(`run-pipeline stop ${row.id}`))}    ${style.dim('end it')}`,
  ];
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
    asTyped('→ run-pipeline resume latest continues it; call process.exit() after `await pipe.start()`'),
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
): {
  readonly flush: () => void;
  readonly end: () => void;
  /** What it prints in another process. */
  readonly elsewhere: (stream: 'stdout' | 'stderr', text: string) => void;
} {
  if (mode !== 'live') {
    const end = context.json ? context.outputs.divert((text) => context.err.write(text)) : () => {};
    const elsewhere = (stream: 'stdout' | 'stderr', text: string): void => {
      const output = context.json || stream === 'stderr' ? context.err : context.out;
      output.write(printable(text));
    };
    return { flush: () => {}, end, elsewhere };
  }
  let open = '';
  const flush = (): void => {
    if (open !== '') reporter.note(open);
    open = '';
  };
  const take = (text: string): void => {
    const lines = (open + text).split('\n');
    open = lines.pop()!;
    for (const line of lines) reporter.note(line);
  };
  const undivert = context.outputs.divert(take);
  return {
    flush,
    elsewhere: (_stream, text) => take(text),
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
    readonly page: string | undefined;
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
    page: options.page,
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

const INPUTS: ReadonlySet<string> = new Set(['input', 'parameter', 'configuration', 'file']);
