import type { TaskPackage } from '@run-pipeline/core/model';
import { materialisePackage } from '../package/index.js';
import type { RunContext } from './context.js';

type Materialised = Awaited<ReturnType<typeof materialisePackage>>;

/** Runnable copies of this process's packages, each made once. */
const made = new WeakMap<TaskPackage, Promise<Materialised>>();

export function materialised(
  context: Pick<RunContext, 'project'>,
  taskPackage: TaskPackage,
): Promise<Materialised> {
  const known = made.get(taskPackage);
  if (known !== undefined) return known;
  const making = materialisePackage({ paths: context.project, package: taskPackage });
  made.set(taskPackage, making);
  return making;
}
