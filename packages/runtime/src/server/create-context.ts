import { randomUUID } from 'node:crypto';
import type { Project } from '../project/index.js';
import { ArtifactPages } from './artifacts/artifact-pages.js';
import { Logs } from './logs/logs.js';
import { RunItems } from './runs/run-items.js';
import { RunViews } from './runs/run-views.js';
import type { ServerContext } from './server-context.js';

export function createContext(options: {
  readonly project: Project;
  readonly version: string;
  readonly actions: boolean;
  readonly onBug: (error: unknown) => void;
}): ServerContext {
  const { project } = options;
  const views = new RunViews(project.store);
  return {
    ...options,
    instance: randomUUID(),
    views,
    items: new RunItems(project, views),
    logs: new Logs(project.store),
    artifacts: new ArtifactPages(),
  };
}
