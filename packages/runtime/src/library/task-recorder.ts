import { workerData, isMainThread } from 'node:worker_threads';
import type { LostScript } from '../tasks/lost-watcher.js';
import type { RecorderData } from '../tasks/recorder-protocol.js';

/**
 * The entry of the thread that records the task of a script that was started by hand; as a program of its
 * own (`lost …`) it ends the task of a script that is gone.
 */
if (!isMainThread) {
  const { recordScript } = await import('./record-script.js');
  await recordScript(workerData as RecorderData);
} else if (process.argv[2] === 'lost') {
  const { endLostScript } = await import('./end-lost-script.js');
  await endLostScript(JSON.parse(process.argv[3] ?? '{}') as LostScript);
} else {
  process.stderr.write('run-pipeline: this file is started by run-pipeline itself\n');
  process.exitCode = 2;
}
