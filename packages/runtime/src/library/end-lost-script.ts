import { taskId } from '@run-pipeline/core/model';
import { openProject } from '../engine/open-project.js';
import type { LostScript } from '../tasks/lost-watcher.js';

/** What the script's last word was to be, said for it. When it said one itself, the fence is over and nothing changes. */
export async function endLostScript({ cwd, home, task, fence, pid }: LostScript): Promise<void> {
  const project = await openProject({ cwd, env: { ...process.env, RUN_PIPELINE_HOME: home } });
  try {
    await project.store.finishTask({
      task: taskId(task),
      fence,
      status: 'aborted',
      artifacts: [],
      error: {
        name: 'ProcessLost',
        code: 'process-lost',
        message: `its process (pid ${pid}) ended without a word: it was killed, or it crashed`,
      },
    });
  } finally {
    await project.close();
  }
}
