import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, median, project } from '../measure.mjs';

/** A chain whose steps return when they began. */
const CHAIN = 30;
const pipeline = `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'chain', project: 'bench' });
const begin = (_before: number): number => Date.now();
for (let i = 0; i < ${CHAIN}; i++)
  pipe.addFunctionStep({ name: 'step_' + i, function: begin, functionKwargs: { _before: i === 0 ? 0 : '$<step_' + (i - 1) + '.result>' } });
export { pipe };
`;

/** What a warm agent that has nothing to do costs: until a task that is enqueued begins, and while there is none. */
export async function* agent({ wanted }) {
  const latency = 'agent: enqueued until it begins, warm and idle';
  const idle = 'agent: processor time of an idle one';
  if (!wanted(latency) && !wanted(idle)) return;
  const here = project({ 'pipe.ts': pipeline });
  const started = await startAgent(here.directory);
  try {
    if (wanted(latency)) {
      await run(here.directory); // packaged, and every closure has its worker
      const waits = await run(here.directory);
      const sorted = [...waits].sort((a, b) => a - b);
      yield {
        name: latency,
        measured: median(waits),
        unit: 'ms',
        budget: 150,
        compared: `slowest of ${waits.length}: ${sorted.at(-1)} ms; commits of others are looked for every 50 ms`,
      };
    }
    if (wanted(idle)) {
      await sleep(1000);
      const seconds = 20;
      const before = processorTime(started.pid);
      await sleep(1000 * seconds);
      const percent = ((processorTime(started.pid) - before) / seconds) * 100;
      yield {
        name: idle,
        measured: percent,
        unit: '%',
        budget: 1,
        compared: 'of one core, its workers included',
      };
    }
  } finally {
    started.kill('SIGTERM');
    await new Promise((done) => started.once('exit', done));
    here.remove();
  }
}

async function startAgent(cwd) {
  const child = spawn(process.execPath, [BINARY, 'agent'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done) => child.stdout.once('data', done));
  child.stdout.resume();
  return child;
}

/** Milliseconds from the word that a step waits to its first line of code, step by step. */
async function run(cwd) {
  const child = spawn(process.execPath, [BINARY, 'pipe.ts', '--queue', 'default', '--json'], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`the chain exited with ${code}\n${text}`);
  const queued = new Map();
  const waits = [];
  for (const line of text.trim().split('\n')) {
    const event = JSON.parse(line);
    if (event.type === 'step.queue') queued.set(event.step, Date.parse(event.ts));
    if (event.type === 'step.end' && event.status === 'completed')
      waits.push(Number(event.artifacts[0].preview) - queued.get(event.step));
  }
  if (waits.length !== CHAIN) throw new Error(`only ${waits.length} steps went to the agent`);
  return waits;
}

/** Seconds of processor time, of a process and all below it. */
function processorTime(pid) {
  const own = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
  };
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      all.set(Number(name), own(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (id) =>
    [...all].reduce(
      (sum, [child, { parent }]) => (parent === id ? sum + below(child) : sum),
      all.get(id)?.seconds ?? 0,
    );
  return below(pid);
}
