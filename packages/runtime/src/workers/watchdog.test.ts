import { once } from 'node:events';
import { expect, test } from 'vitest';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

test.each([
  ['busy', 'for (;;);'],
  ['waiting', 'await new Promise((resolve) => setTimeout(resolve, 60_000));'],
])('no %s worker survives its controller', async (_, code) => {
  const task = await rig.request(`export default async () => { console.log('up', process.pid); ${code} };`);
  const run = await rig.controller(
    `const pool = createWorkerPool({ workerFile, size: 1, recycle: { rssGrowthBytes: 1e9, loadedBytes: 1e9 }, graceMs: 1000 });
     void pool.execute({ request: ${JSON.stringify(task)}, isolation: 'process', closureKey: 'k', ownWorker: false,
       signal: new AbortController().signal, onStart: async () => {}, onReport: () => {}, onLog: ({ text }) => process.stdout.write(text) });`,
  );
  const [line] = (await once(run.stdout, 'data')) as [Buffer];
  const worker = Number(/^up (\d+)/.exec(String(line))?.[1]);
  run.kill('SIGKILL');
  await once(run, 'exit');
  expect(await isGone(worker)).toBe(true);
});

/** Bounded: whoever inherits the process needs a moment to reap it. */
async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
