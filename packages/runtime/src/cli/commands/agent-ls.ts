import type { AgentRow } from '@run-pipeline/core/ports';
import { formatResources } from '../../queue/index.js';
import { printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { formatAge, listSome } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';
import { taskTitle } from '../task-title.js';
import { asTyped } from '../../project/as-typed.js';

/** `run-pipeline agent ls` */
export async function agentLsCommand(context: Context): Promise<number> {
  const { agents, titles } = await findAgents(context);
  if (context.json) {
    printJson(
      context,
      agents.map(({ id, identity, queues, concurrency, resources, ...agent }) => ({
        id,
        host: identity.host,
        pid: identity.pid,
        queues,
        concurrency,
        resources,
        running: agent.running,
        draining: agent.draining,
        startedAt: agent.startedAt,
        seenAt: agent.seenAt,
        version: agent.version,
      })),
    );
    return 0;
  }
  if (agents.length === 0) {
    printLines(context.err, [asTyped('no agent is alive: run-pipeline agent --queue default starts one')]);
    return 0;
  }
  const { style } = context;
  const now = Date.now();
  printLines(
    context.out,
    tableLines(
      agents.map((agent) => [
        style.bold(printableWord(agent.id)),
        agent.queues.map(printableWord).join(', '),
        agent.draining ? style.warn('stopping') : '',
        agent.running.length === 0
          ? style.dim('idle')
          : `${agent.running.length} of ${agent.concurrency}: ${listSome(
              agent.running.map((task) => printableWord(titles.get(task) ?? task)),
              3,
            )}`,
        style.dim(formatResources(agent.resources)),
        style.dim(`since ${formatAge(now - Date.parse(agent.startedAt))}`),
      ]),
    ),
  );
  return 0;
}

/** With what people call the tasks that they run, where that is known. */
async function findAgents(context: Context): Promise<{
  readonly agents: readonly AgentRow[];
  readonly titles: ReadonlyMap<string, string>;
}> {
  const project = await openExisting(context);
  if (project === undefined) return { agents: [], titles: new Map() };
  try {
    const agents = await project.store.listAgents();
    const titles = new Map<string, string>();
    for (const id of agents.flatMap(({ running }) => running)) {
      const title = await taskTitle(project.store, id);
      if (title !== undefined) titles.set(id, title);
    }
    return { agents, titles };
  } finally {
    await project.close();
  }
}
