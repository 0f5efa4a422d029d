import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chain, fan } from '../pipelines.mjs';
import { BINARY, median, project, repeat, runPipeline } from '../measure.mjs';

/**
 * Steps through an idle, warm agent on the embedded queue. Both sides hear of each other's commits within
 * 50 ms: that is most of what a step in a chain costs, and a wide graph shares it.
 */
export async function* queues({ wanted }) {
  const names = {
    start: 'queue: from enqueued to started, median of a chain',
    step: 'queue: a step of a chain, more than here',
    wide: 'queue: a step of a fan-out of 1,000',
  };
  if (!Object.values(names).some(wanted)) return;
  const here = project({ 'short.ts': chain(10), 'long.ts': chain(60), 'wide.ts': fan(1_000) });
  const agent = await startAgent(here.directory);
  const run = (file, ...more) =>
    runPipeline([file, '--output', 'quiet', '--refresh', ...more], { cwd: here.directory });
  const slope = async (...more) => {
    for (const file of ['short.ts', 'long.ts']) run(file, ...more);
    const [long, short] = [
      await repeat(3, () => run('long.ts', ...more)),
      await repeat(3, () => run('short.ts', ...more)),
    ];
    return (long - short) / 50;
  };
  try {
    const local = await slope('--concurrency', '1');
    const queued = await slope('--queue', 'default');
    yield {
      name: names.step,
      measured: queued - local,
      unit: 'ms',
      compared: `here: ${local.toFixed(1)} ms`,
    };
    yield {
      name: names.start,
      measured: await enqueuedToStarted(here.directory, agent),
      unit: 'ms',
      budget: 150,
    };
    run('wide.ts');
    const wideHere = (await repeat(3, () => run('wide.ts'))) / 1_000;
    const wide = (await repeat(3, () => run('wide.ts', '--queue', 'default'))) / 1_000;
    yield {
      name: names.wide,
      measured: wide,
      unit: 'ms',
      compared: `here: ${wideHere.toFixed(1)} ms; whole process, divided`,
    };
  } finally {
    agent.child.kill('SIGTERM');
    await agent.ended;
    here.remove();
  }
}

async function startAgent(directory) {
  const child = spawn(process.execPath, [BINARY, 'agent', '--json'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const starts = new Map();
  await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error('the agent ended')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      if (event.type === 'task.start') starts.set(event.task, Date.parse(event.ts));
      if (event.type === 'agent.start') resolve();
    });
  });
  return { child, ended, starts };
}

/** By the clock of this machine: what the run told when it had enqueued, what the agent told when it began. */
async function enqueuedToStarted(directory, agent) {
  const child = spawn(process.execPath, [BINARY, 'long.ts', '--queue', 'default', '--refresh', '--json'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const queued = new Map();
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.type === 'step.queue') queued.set(`${event.run}.${event.step}`, Date.parse(event.ts));
  }
  return median([...queued].map(([task, at]) => agent.starts.get(task) - at));
}
