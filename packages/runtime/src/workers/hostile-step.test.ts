import { expect, test } from 'vitest';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

test('what a step writes to low descriptors does not reach the messages', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `import { closeSync, writeSync } from 'node:fs';
     export default () => { writeSync(3, 'garbage'); closeSync(4); return 1; };`,
  );
  expect((await rig.execute(pool, request)).outcome).toMatchObject({ status: 'completed' });
});

test('a step that tears the messages fails, and does not hang', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `import { writeSync } from 'node:fs';
     export default () => { writeSync(Number(9), 'garbage'); return 1; };`,
  );
  const { outcome } = await rig.execute(pool, request);
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'worker-lost', message: expect.stringContaining('file descriptor that is not its own') },
  });
  expect((await rig.execute(pool, await rig.request('export default () => 1;'))).outcome.status).toBe(
    'completed',
  );
});

test('a process whose output a step has ended is not used again', async () => {
  const pool = await rig.pool({ size: 1 });
  const ends = await rig.request(
    'export default () => { process.stdout.end(); process.stderr.destroy(); return 1; };',
  );
  const prints = await rig.request('export default () => { console.log("heard"); return 1; };');
  const first = await rig.execute(pool, ends);
  const second = await rig.execute(pool, prints);
  expect(first.outcome.status).toBe('completed');
  expect(second).toMatchObject({ stdout: 'heard\n', outcome: { status: 'completed' } });
  expect(second.pid).not.toBe(first.pid);
});

test('a mask that a step sets is neither on what is stored nor on the next task', async () => {
  const pool = await rig.pool({ size: 1 });
  const sets = await rig.request(
    'export default () => { process.umask(0o777); return "x".repeat(100_000); };',
  );
  const asks = await rig.request('export default () => process.umask();');
  const first = await rig.execute(pool, sets);
  const second = await rig.execute(pool, asks);
  expect(second.pid).toBe(first.pid);
  if (second.outcome.status !== 'completed') throw new Error('not completed');
  expect(await rig.decoded(second.outcome.artifacts[0])).toBe(process.umask());
});
