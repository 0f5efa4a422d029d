import { expect, test } from 'vitest';
import { elsewhere } from './elsewhere.js';

const NPM = { 'is-odd': '3.0.1', libsql: '0.5.29', 'yocto-queue': '1.2.1' };

/** CommonJS, native, and one that only the body of the pipeline function uses. */
const FUNCTION = {
  'pipe.ts': `
import { pipeline, step } from 'run-pipeline';
import isOdd from 'is-odd';
import Database from 'libsql';
import Queue from 'yocto-queue';
import { gate, trace } from './marks.js';

const two = new Database(':memory:').prepare('select 1 + 1 as two').get().two as number;
const half = step(async (n: number) => { trace('half ' + n); if (n === 8) await gate(); return n / 2; });
const last = step(async (numbers: number[]) => { trace('last'); return numbers.map((n) => isOdd(n)); });

export const loop = pipeline(
  { name: 'loop', project: 'elsewhere', parameters: { start: 16 } },
  async ({ start }) => {
    const seen = new Queue<number>();
    for (let n = start; n % two === 0;) {
      n = await half(n);
      seen.enqueue(n);
    }
    return last([...seen]);
  },
);
`,
};

test('a controller with npm imports runs where nothing of its project is, and the next agent continues it', async () => {
  const it = await elsewhere(FUNCTION, { install: NPM });
  const { id } = await it.launch(['pipe.ts', '--remote']);
  const first = await it.agent();
  await first.told('task.start', id as never);
  await it.reached('half 8');
  const second = await it.agent();
  first.kill('SIGKILL');
  await second.told('task.start', id as never);
  it.openGate();
  expect(await it.ended(id), await it.console(id)).toMatchObject({ status: 'completed' });
  expect(it.traces()).toEqual(['half 16', 'half 8', 'half 8', 'half 4', 'half 2', 'last']);
  expect(await it.value(id, 'last')).toEqual([false, false, false, true]);
}, 120_000);
