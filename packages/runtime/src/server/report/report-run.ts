import type { RunId } from '@run-pipeline/core/model';
import type { ReportData } from '@run-pipeline/core/wire';
import type { Project } from '../../project/index.js';
import { createContext } from '../create-context.js';
import { collectReport } from './collect-report.js';

/** A run as a report shows it, without a server. */
export async function reportRun(project: Project, run: RunId, version: string): Promise<ReportData> {
  const context = createContext({ project, version, actions: false, onBug: () => {} });
  try {
    return await collectReport(context, run);
  } finally {
    await context.artifacts.close();
  }
}
