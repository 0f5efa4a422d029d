import { expect, test } from 'vitest';
import { emptyDirectory, fleet } from '../../rig/agents.js';

const CURRENT = `import { currentTask } from 'run-pipeline';\nconst task = currentTask();\n`;

test('a task that waits in a queue is executed by an agent, which tells the store everything', async () => {
  const it = await fleet({
    'script.ts': `${CURRENT}
      console.log('in', process.cwd());
      task.logger.reportSingleValue('accuracy', 0.5);
      await task.uploadArtifact('rows', [1, 2, 3]);
    `,
  });
  const task = await it.enqueue('script.ts');
  const cwd = emptyDirectory();
  const agent = await it.agent([], { cwd });
  expect(await agent.told('task.end', task)).toMatchObject({
    status: 'completed',
    attempt: 1,
    queue: 'default',
  });
  expect(agent.about(task)).toEqual(['task.start', 'task.end']);
  const { store } = it.project;
  expect(await store.readTask(task)).toMatchObject({ status: 'completed', attempt: 1 });
  expect(await it.console(task)).toBe(`in ${cwd}\n`);
  expect((await store.readTaskArtifacts(task)).map(({ record }) => record.name)).toEqual(['rows']);
  agent.kill('SIGTERM');
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  expect(agent.stderr).toContain('✔ fleet/script.ts');
  expect(await store.listAgents()).toEqual([]);
});
