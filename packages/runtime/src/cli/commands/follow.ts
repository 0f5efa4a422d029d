import { followRun } from '../../engine/index.js';
import { conductRun } from '../conduct.js';
import type { Context } from '../context.js';
import { withRun } from '../project-access.js';
import { STATE_EVENTS } from '../run-events.js';
import { usageError } from '../usage-error.js';

/**
 * `run-pipeline follow RUN`: shows a run that another process drives, from its beginning, as if it were run
 * here, and ends with its exit code. Ctrl-C ends the following alone.
 */
export function followCommand(context: Context): Promise<number> {
  return withRun(context, async ({ store }, row) => {
    const after = context.options.number('after') ?? -1;
    const before = after === -1 ? [] : await store.readEvents(row.id, { types: STATE_EVENTS });
    const { exitCode } = await conductRun(context, {
      store,
      before: before.filter(({ seq }) => seq <= after),
      start: async ({ onEvent, onOutput, detach, onPlace }) => {
        onPlace('elsewhere');
        const followed = await followRun({
          store,
          run: row.id,
          afterSeq: after,
          onEvent,
          onOutput,
          signal: detach,
        });
        switch (followed.type) {
          case 'ended':
            return followed.result;
          case 'detached':
          case 'lost':
            return { left: followed.type, row };
          case 'unserved':
            throw new Error('it waits with the run, whatever it waits for');
          case 'removed':
            throw usageError(`run ${row.id} was removed while it was followed`);
          default:
            return followed satisfies never;
        }
      },
    });
    return exitCode;
  });
}
