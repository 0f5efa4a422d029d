import { stepName, type RunEvent } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { asTyped } from '../../project/as-typed.js';
import { OutputLines } from '../../terminal/output-lines.js';
import { printableLine, printableWord } from '../../terminal/sanitise.js';
import { printLines, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { requireStep, viewRun } from '../run-events.js';
import { runName, shownStatus } from '../select-run.js';

/** Events read at once: a long log is printed as it is read, never held whole. */
const PAGE = 2000;
const POLL_MS = 100;
/** Whether the owner of a run still lives is asked this often, in polls. */
const OWNER_POLLS = 20;

/**
 * `run-pipeline logs RUN [STEP] [-f]`. Text is printed without control sequences that a step may have put
 * there (colours stay where colours are wanted); `--json` prints the `step.log` events as they are, one a line.
 */
export function logsCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const { store } = project;
    const step = context.arguments[1];
    const follow = context.options.has('follow');
    if (step !== undefined && !(follow && shownStatus(row) === 'running'))
      requireStep(await viewRun(store, row), row, step);
    const print = new LogPrinter(context, step === undefined);
    const query = {
      types: ['step.log', 'step.end', 'step.retry'] as const,
      ...(step === undefined ? {} : { step: stepName(step) }),
    };
    let afterSeq = -1;
    const readOn = async (): Promise<void> => {
      for (;;) {
        const events = await store.readEvents(row.id, { ...query, afterSeq, limit: PAGE });
        for (const event of events) print.event(event);
        const last = events.at(-1);
        if (last === undefined || context.out.closed) return;
        afterSeq = last.seq;
      }
    };
    if (follow) await followRun(context, store, row, readOn);
    else await readOn();
    print.end();
    if (!print.any && !context.json) printLines(context.err, [`${step ?? runName(row)} printed nothing`]);
    return 0;
  });
}

/** Reads on until the run has ended. Polls the store's change counter: any commit, by any process, moves it. */
async function followRun(
  context: Context,
  store: Store,
  row: RunRow,
  readOn: () => Promise<void>,
): Promise<void> {
  let counter = -1;
  for (let poll = 0; !context.out.closed; poll++) {
    const current = await store.changeCounter();
    if (current !== counter || poll % OWNER_POLLS === 0) {
      counter = current;
      // The row first: what was committed before it said `ended` is then certainly read.
      const status = await statusOf(store, row);
      await readOn();
      if (status === 'lost')
        printLines(context.err, [
          asTyped(`the process of ${runName(row)} is gone: run-pipeline resume ${row.id} continues it`),
        ]);
      if (status !== 'running' && status !== 'queued') return;
    }
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

async function statusOf(store: Store, row: RunRow): Promise<string> {
  const current = await store.getRun(row.id);
  return current === undefined ? 'deleted' : shownStatus(current);
}

class LogPrinter {
  readonly #context: Context;
  readonly #prefixed: boolean;
  readonly #lines = new OutputLines();
  readonly #open = new Map<string, { readonly step: string; readonly attempt: number }>();
  any = false;

  constructor(context: Context, prefixed: boolean) {
    this.#context = context;
    this.#prefixed = prefixed;
  }

  event(event: RunEvent): void {
    const { options, json, out } = this.#context;
    if (event.type === 'step.log') {
      if ((options.text('stream') ?? event.stream) !== event.stream) return;
      if ((options.number('attempt') ?? event.attempt) !== event.attempt) return;
      this.any = true;
      if (json) return out.write(`${JSON.stringify(event)}\n`);
      this.#open.set(event.step, event);
      this.#print(event.step, this.#lines.push(event));
    } else if (!json && (event.type === 'step.end' || event.type === 'step.retry')) {
      this.#flush(event.step);
    }
  }

  /** What a step that is still running printed without a line break. */
  end(): void {
    for (const step of this.#open.keys()) this.#flush(step);
  }

  #flush(step: string): void {
    const open = this.#open.get(step);
    if (open === undefined) return;
    this.#open.delete(step);
    this.#print(step, this.#lines.flush(stepName(step), open.attempt));
    this.#lines.forget(stepName(step));
  }

  #print(step: string, lines: readonly string[]): void {
    const { style, out } = this.#context;
    const prefix = this.#prefixed ? `${style.step(step, `${printableWord(step)} │`)} ` : '';
    out.write(lines.map((line) => `${prefix}${printableLine(line, style.colour)}\n`).join(''));
  }
}
