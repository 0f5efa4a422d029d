import { stepName } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { ENDED, selectTask, type TaskView } from '../../tasks/index.js';
import { OutputLines } from '../../terminal/output-lines.js';
import { printableLine } from '../../terminal/sanitise.js';
import { printLines, type Context } from '../context.js';
import { findTask, withTask } from '../task-access.js';
import { Wake } from '../wake.js';

const PAGE = 2000;
/** Nobody may be left who would commit anything: a lease runs out in silence. */
const LOOK_MS = 1000;

interface LogRow {
  readonly seq: number;
  readonly attempt: number;
  readonly ts: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/**
 * `run-pipeline task logs TASK [-f]`. Text is printed without control sequences that a task may have put
 * there; `--json` prints an array of pieces as they are, with `-f` one a line as they come.
 */
export function taskLogsCommand(context: Context): Promise<number> {
  return withTask(context, async (project, task) => {
    const { store } = project;
    const { options } = context;
    const print = new LogPrinter(context, options.has('follow'));
    const [stream, wanted] = [options.text('stream'), options.number('attempt')];
    let place = { attempt: wanted ?? task.attempt, afterSeq: -1 };
    const readOn = async (now: TaskView): Promise<void> => {
      // The next attempt begins anew.
      if (wanted === undefined && now.attempt > place.attempt) place = { attempt: now.attempt, afterSeq: -1 };
      for (;;) {
        const page = await readPage(store, now, place);
        for (const row of page.rows) if ((stream ?? row.stream) === row.stream) print.row(row);
        if (page.last === undefined || context.out.closed) return;
        place = { ...place, afterSeq: page.last };
      }
    };
    if (options.has('follow')) await follow(context, store, task, readOn);
    else await readOn(task);
    print.end();
    if (!print.any && !context.json)
      printLines(context.err, [`${task.project}/${task.name} printed nothing`]);
    return 0;
  });
}

/** Of a step its run has the console. */
async function readPage(
  store: Store,
  task: TaskView,
  { attempt, afterSeq }: { readonly attempt: number; readonly afterSeq: number },
): Promise<{ readonly rows: readonly LogRow[]; readonly last: number | undefined }> {
  if (task.run !== undefined && task.step !== undefined) {
    const query = { types: ['step.log'] as const, step: stepName(task.step), afterSeq, limit: PAGE };
    const events = await store.readEvents(task.run, query);
    const rows = events.flatMap((event) =>
      event.type === 'step.log' && event.attempt === attempt ? [event] : [],
    );
    return { rows, last: events.at(-1)?.seq };
  }
  const output = await store.readTaskOutput(task.id, { attempt, afterSeq, limit: PAGE });
  return { rows: output.flatMap((row) => (row.kind === 'log' ? [row] : [])), last: output.at(-1)?.seq };
}

async function follow(
  context: Context,
  store: Store,
  task: TaskView,
  readOn: (now: TaskView) => Promise<void>,
): Promise<void> {
  const wake = new Wake();
  const unwatch = store.watch(() => wake.ring());
  const timer = setInterval(() => wake.ring(), LOOK_MS);
  try {
    while (!context.out.closed) {
      // The status first: what was written before it said so is then certainly read.
      let now = await selectTask(store, task.id);
      if (now.leaseExpired) now = await findTask({ store } as Parameters<typeof findTask>[0], task.id);
      await readOn(now);
      if (ENDED.includes(now.status)) return;
      await wake.rung();
    }
  } finally {
    clearInterval(timer);
    unwatch();
  }
}

class LogPrinter {
  readonly #context: Context;
  readonly #asLines: boolean;
  readonly #lines = new OutputLines();
  readonly #rows: unknown[] = [];
  #attempt = 1;
  any = false;

  constructor(context: Context, asLines: boolean) {
    this.#context = context;
    this.#asLines = asLines;
  }

  row({ seq, attempt, ts, stream, text }: LogRow): void {
    this.any = true;
    const { json, out } = this.#context;
    if (json) {
      const row = { seq, attempt, ts, stream, text };
      if (this.#asLines) out.write(`${JSON.stringify(row)}\n`);
      else this.#rows.push(row);
      return;
    }
    this.#attempt = attempt;
    this.#print(this.#lines.push({ step: STEP, attempt, stream, text }));
  }

  end(): void {
    const { json, out } = this.#context;
    if (!json) this.#print(this.#lines.flush(STEP, this.#attempt));
    else if (!this.#asLines) out.write(`${JSON.stringify(this.#rows)}\n`);
  }

  #print(lines: readonly string[]): void {
    const { style, out } = this.#context;
    out.write(lines.map((line) => `${printableLine(line, style.colour)}\n`).join(''));
  }
}

const STEP = stepName('task');
