import { findArtifact } from '../../engine/index.js';
import { deliverArtifact } from '../deliver-artifact.js';
import type { Context } from '../context.js';
import { withRun } from '../project-access.js';

/** `run-pipeline get RUN STEP.ARTIFACT [-o PATH]` */
export function getCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const reference = context.arguments[1]!;
    const found = await findArtifact(project, row.id, reference);
    await deliverArtifact(context, { project, found, reference });
    return 0;
  });
}
