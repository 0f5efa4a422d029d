import { constants } from 'node:os';

/**
 * What may end a run from outside: Ctrl-C and kill, or an error that the user's code in this process threw where
 * nobody awaits it (a timer of a pipeline function, a forgotten promise). The first asks the run to stop: its steps
 * hear of it through their signal, outcomes are committed. A second one ends the process at once.
 */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** 130 after SIGINT, 143 after SIGTERM, 1 after an error; undefined when nothing came. */
  readonly exitCode: () => number | undefined;
  readonly dispose: () => void;
}

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export function listenForInterrupts(options: {
  readonly onSignal: (signal: Signal) => void;
  readonly onUncaught: (error: unknown) => void;
  /** After an uncaught error nothing can be trusted: the process ends after so many milliseconds in any case. */
  readonly patienceMs: number;
}): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (code: number, reason: Error): void => {
    exitCode = code;
    controller.abort(reason);
  };
  const onSignal = (signal: Signal): void => {
    const code = 128 + constants.signals[signal];
    if (exitCode !== undefined) process.exit(code);
    options.onSignal(signal);
    stop(code, new Error(`interrupted by ${signal}`));
  };
  const onUncaught = (error: unknown): void => {
    options.onUncaught(error);
    if (exitCode !== undefined) return;
    timer = setTimeout(() => process.exit(1), options.patienceMs).unref();
    stop(1, new Error('an error in the file of the pipeline that nobody awaited', { cause: error }));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onUncaught);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('uncaughtException', onUncaught);
    },
  };
}
