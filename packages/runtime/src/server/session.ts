import { basename } from 'node:path';
import type { Session } from '@run-pipeline/core/wire';
import type { ServerContext } from './server-context.js';

export function sessionOf(context: ServerContext): Session {
  const { root } = context.project;
  return {
    version: context.version,
    server: context.instance,
    project: basename(root),
    root,
    now: new Date().toISOString(),
    actions: context.actions,
  };
}
