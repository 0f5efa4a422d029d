import type { TaskId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { stepTask } from '../tasks/index.js';

/** What people call a task, as agents do: `examples/train model`, and of a step of a run `iris.step_one`. */
export async function taskTitle(store: Store, task: TaskId): Promise<string | undefined> {
  const place = stepTask(task);
  if (place !== undefined) return `${(await store.getRun(place.run))?.pipeline ?? place.run}.${place.step}`;
  const record = await store.readTask(task);
  return record && `${record.project}/${record.name}`;
}
