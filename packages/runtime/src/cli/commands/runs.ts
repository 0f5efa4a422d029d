import type { RunStatus } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { asTyped } from '../../project/as-typed.js';
import { SYMBOLS, paintStatus } from '../../terminal/step-lines.js';
import { printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { formatAge, formatDuration } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';
import { runName, shownStatus } from '../select-run.js';

const DEFAULT_LIMIT = 20;

/** `run-pipeline runs` */
export async function runsCommand(context: Context): Promise<number> {
  const rows = await findRows(context);
  if (context.json) {
    printJson(
      context,
      rows.map(({ row, status }) => ({
        id: row.id,
        pipeline: row.pipeline,
        project: row.project,
        version: row.version,
        number: row.number,
        status,
        startedAt: row.startedAt ?? null,
        finishedAt: row.finishedAt ?? null,
      })),
    );
    return 0;
  }
  if (rows.length === 0) {
    printLines(context.err, [asTyped('no runs here: run-pipeline FILE makes one')]);
    return 0;
  }
  const { style } = context;
  const now = Date.now();
  printLines(
    context.out,
    tableLines(
      rows.map(({ row, status }) => [
        paintStatus(style, status, `${SYMBOLS[status]} ${status}`),
        style.bold(printableWord(runName(row))),
        style.dim(printableWord(row.project)),
        formatAge(now - Date.parse(row.createdAt)),
        status === 'lost' ? '' : duration(row, now),
        style.dim(printableWord(row.source)),
        row.id,
      ]),
    ),
  );
  return 0;
}

interface ShownRow {
  readonly row: RunRow;
  readonly status: RunStatus;
}

async function findRows(context: Context): Promise<readonly ShownRow[]> {
  const project = await openExisting(context);
  if (project === undefined) return [];
  try {
    const { options } = context;
    const wanted = options.text('status') as RunStatus | undefined;
    const limit = options.number('limit') ?? (context.json ? undefined : DEFAULT_LIMIT);
    const pipeline = options.text('pipeline');
    const projectName = options.text('project');
    const rows = await project.store.findRuns({
      ...(pipeline === undefined ? {} : { pipeline }),
      ...(projectName === undefined ? {} : { project: projectName }),
      ...(wanted === undefined ? {} : { status: statusesAtStore(wanted) }),
      ...(limit === undefined || wanted !== undefined ? {} : { limit }),
    });
    const shown = rows.map((row) => ({ row, status: shownStatus(row) }));
    return shown.filter(({ status }) => wanted === undefined || status === wanted).slice(0, limit);
  } finally {
    await project.close();
  }
}

/** Whether a run that should be running still is, only this reader can tell. */
const statusesAtStore = (wanted: RunStatus): readonly RunStatus[] =>
  wanted === 'lost' ? ['queued', 'running'] : [wanted];

function duration(row: RunRow, now: number): string {
  if (row.startedAt === undefined) return '';
  const end = row.finishedAt === undefined ? now : Date.parse(row.finishedAt);
  return formatDuration(end - Date.parse(row.startedAt));
}
