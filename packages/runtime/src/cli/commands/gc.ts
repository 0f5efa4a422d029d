import { collectGarbage } from '../../engine/index.js';
import { count, formatBytes } from '../../terminal/units.js';
import { parseBytes, parseDuration } from '../parse.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';

/** `run-pipeline gc` */
export async function gcCommand(context: Context): Promise<number> {
  const { options } = context;
  const keepRuns = options.number('keep-runs');
  const maxAge = options.text('max-age');
  const maxSize = options.text('max-size');
  const grace = options.text('grace');
  const dryRun = options.has('dry-run');
  const project = await openExisting(context);
  if (project === undefined) {
    if (context.json)
      printJson(context, {
        dryRun,
        runs: 0,
        cacheEntries: 0,
        values: 0,
        blobs: 0,
        packages: 0,
        environments: 0,
        copies: 0,
        leftovers: 0,
        bytes: 0,
      });
    else printLines(context.out, ['nothing to free: there are no runs here']);
    return 0;
  }
  try {
    const report = await collectGarbage(project, {
      dryRun,
      ...(keepRuns === undefined ? {} : { keepRuns }),
      ...(maxAge === undefined ? {} : { maxAgeMs: parseDuration(maxAge)! }),
      ...(maxSize === undefined ? {} : { maxSize: parseBytes(maxSize)! }),
      ...(grace === undefined ? {} : { graceMs: parseDuration(grace)! }),
    });
    if (context.json) printJson(context, { dryRun, ...report });
    else {
      const parts = [
        count(report.runs, 'run'),
        count(report.cacheEntries, 'cached result'),
        count(report.values + report.blobs, 'artifact'),
        count(report.packages, 'package'),
        count(report.environments, 'environment'),
        count(report.copies, 'local copy', 'local copies'),
        count(report.leftovers, 'leftover'),
      ].filter((part) => !part.startsWith('0 '));
      // Small values lie in the database, whose size does not tell.
      const size = report.bytes === 0 ? '' : ` (${formatBytes(report.bytes)})`;
      const what = parts.length === 0 ? 'nothing' : `${parts.join(', ')}${size}`;
      printLines(context.out, [dryRun ? `would free ${what}` : `freed ${what}`]);
    }
    return 0;
  } finally {
    await project.close();
  }
}
