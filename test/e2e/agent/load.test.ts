import { expect, test } from 'vitest';
import { fleet } from '../../rig/agents.js';
import { watchRun } from '../../rig/command.js';

const STEPS = 40;
const LINES = 60;
/** Every step prints, reports and uploads as fast as it can. */
const PIPELINE = `
import { PipelineController, currentTask, each } from 'run-pipeline';
const list = (): number[] => Array.from({ length: ${STEPS} }, (_, index) => index);
const chatter = async (index: number): Promise<number> => {
  const task = currentTask();
  for (let line = 0; line < ${LINES}; line++) {
    console.log('line', line, 'of', index);
    task.logger.reportScalar({ title: 'noise', value: line, iteration: line });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await task.uploadArtifact('words', 'word '.repeat(100));
  return index;
};
const sum = (parts: number[]): number => parts.reduce((a, b) => a + b, 0);
export const pipe = new PipelineController({ name: 'load', project: 'examples' });
pipe.addFunctionStep({ name: 'list', function: list, functionReturn: ['all'] });
pipe.addFunctionStep({ name: 'chatter', function: chatter, functionKwargs: { index: each('$<list.all>') } });
pipe.addFunctionStep({ name: 'sum', function: sum, functionKwargs: { parts: '$<chatter.result>' } });
`;

test('two agents and two runs write into one store at once: nobody is locked out, and no lease runs out', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  const env = { RUN_PIPELINE_LEASE_MS: '5000' };
  const agents = [await it.agent(['-c', '3'], { env }), await it.agent(['-c', '3'], { env })];
  const run = () => watchRun(['pipe.ts', '--queue', 'default'], { cwd: it.files.directory, env });
  const runs = await Promise.all([run(), run()]);
  for (const agent of agents) agent.kill('SIGTERM');
  for (const agent of agents) expect(await agent.ended).toEqual({ code: 0, signal: null });
  for (const { code, ends, events, stderr } of runs) {
    expect(code, stderr).toBe(0);
    expect(ends['sum']?.artifacts[0]?.preview).toBe(String((STEPS * (STEPS - 1)) / 2));
    const printed = events.flatMap((event) =>
      event.type === 'step.log' && event.step === 'chatter[7]' ? [event.text] : [],
    );
    expect(printed.join('')).toBe(Array.from({ length: LINES }, (_, line) => `line ${line} of 7\n`).join(''));
    const reports = events.filter((event) => event.type === 'step.report' && event.step === 'chatter[7]');
    expect(reports).toHaveLength(LINES);
    expect(events.filter((event) => event.type === 'step.retry')).toEqual([]);
  }
  const types = agents.flatMap((agent) => agent.lines.map((line) => line.type));
  expect([...new Set(types)].sort()).toEqual([
    'agent.drain',
    'agent.end',
    'agent.start',
    'task.end',
    'task.start',
  ]);
  expect(types.filter((type) => type === 'task.end')).toHaveLength(2 * (STEPS + 2));
});
