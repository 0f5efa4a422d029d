import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { printable } from '../../terminal/sanitise.js';
import { formatBytes } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { VERSION } from '../version.js';

/** `run-pipeline report RUN -o PATH` */
export function reportCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const { reportHtml, reportRun } = await import('../../server/index.js');
    const data = await reportRun(project, row.id, VERSION);
    const out = context.options.text('out');
    if (context.json && out === undefined) {
      printJson(context, data);
      return 0;
    }
    const html = reportHtml(data, fileURLToPath(new URL('./page/report.html', import.meta.url)));
    const path = resolve(context.cwd, out ?? fileName(row));
    await save(path, html);
    const { style } = context;
    if (context.json) printJson(context, { path, omitted: data.omitted });
    else {
      printLines(context.err, [
        `wrote ${path} (${formatBytes(Buffer.byteLength(html))})`,
        ...data.omitted.map((sentence) => style.dim(`left out: ${printable(sentence)}`)),
      ]);
    }
    return 0;
  });
}

/** A pipeline's name can be anything; a file's cannot. */
const fileName = ({ pipeline, number }: RunRow): string =>
  `${pipeline.replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '') || 'run'}-${number}.html`;

async function save(path: string, html: string): Promise<void> {
  try {
    await writeFile(path, html);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RunPipelineError({
      kind: 'store',
      code: 'output-not-written',
      message: `${path} cannot be written: ${message}`,
      help: code === 'ENOENT' ? 'make its directory first' : 'give another path with -o',
      cause: error,
    });
  }
}
