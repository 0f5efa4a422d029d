import type { TaskPackage } from '@run-pipeline/core/model';
import { materialisePackage } from '../package/index.js';
import type { RunContext } from './context.js';

/** Runnable copies of this process's packages, each made once. */
const made = new WeakMap<
  TaskPackage,
  Promise<{ readonly file: string; readonly sourceMap: string | undefined }>
>();

export function materialised(
  context: Pick<RunContext, 'project'>,
  taskPackage: TaskPackage,
): Promise<{ readonly file: string; readonly sourceMap: string | undefined }> {
  const known = made.get(taskPackage);
  if (known !== undefined) return known;
  const making = materialisePackage({ paths: context.project, package: taskPackage });
  made.set(taskPackage, making);
  return making;
}
