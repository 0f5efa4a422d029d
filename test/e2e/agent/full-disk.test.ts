import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { AgentEvent } from '../../../packages/runtime/src/agent/index.js';
import { fleet } from '../../rig/agents.js';
import { BINARY } from '../../rig/command.js';
import { openSqliteStore } from '../../rig/engine.js';

/**
 * In a mount namespace of its own, where the kernel lets us have one: the state lies on a small file
 * system, which is filled while a task runs, and freed when the agent has told of it.
 */
const SCENARIO = `
set -e
mount -t tmpfs -o size=24m tmpfs small
cp -r .run-pipeline small/home
RUN_PIPELINE_HOME="$PWD/small/home" TRACES="$PWD" RUN_PIPELINE_LEASE_MS=60000 "$@" >lines 2>told &
agent=$!
await() { until "$@"; do kill -0 $agent; sleep 0.02; done; }
await test -e up
dd if=/dev/zero of=small/filler bs=64k 2>/dev/null || true
: >gate
await grep -q store.trouble lines
rm small/filler
wait $agent
cp small/home/state.db* after
`;
const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs tmpfs ${tmpdir()}`]).status === 0;

test.skipIf(!canMount)(
  'what a task came to is not lost to a full disk, and is not told before it is stored',
  async () => {
    const it = await fleet({
      'script.ts': `
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { currentTask } from 'run-pipeline';
const here = process.env.TRACES! + '/';
writeFileSync(here + 'up', '');
while (!existsSync(here + 'gate')) await setTimeout(10);
for (let line = 0; line < 5000; line++) console.log('a line that takes some room in the store', line);
await currentTask().uploadArtifact('answer', 42);
`,
    });
    const task = await it.enqueue('script.ts');
    const cwd = it.files.directory;
    for (const name of ['small', 'after']) mkdirSync(it.files.path(name));
    const args = ['-rm', 'sh', '-c', SCENARIO, 'sh', process.execPath, BINARY, 'agent', '--once', '--json'];
    const child = spawn('unshare', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, told }).toEqual({ code: 0, told: '' });

    const lines = readFileSync(it.files.path('lines'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AgentEvent);
    expect(lines.map(({ type }) => type)).toEqual([
      'agent.start',
      'task.start',
      'store.trouble',
      'store.back',
      'task.end',
      'agent.end',
    ]);
    expect(lines[2]).toMatchObject({ message: expect.stringContaining('the disk is full') });
    expect(lines[4]).toMatchObject({ status: 'completed', attempt: 1 });
    const store = await openSqliteStore({ file: it.files.path('after', 'state.db') });
    try {
      expect(await store.readTaskEnding(task)).toMatchObject({ status: 'completed' });
      expect(await store.readTaskArtifacts(task)).toMatchObject([
        { record: { name: 'answer', preview: '42' } },
      ]);
      const rows = await store.readTaskOutput(task);
      const printed = rows
        .map((row) => (row.kind === 'log' ? row.text : ''))
        .join('')
        .trimEnd()
        .split('\n');
      expect(printed).toHaveLength(5000);
      expect(printed.at(-1)).toMatch(/ 4999$/);
    } finally {
      await store.close();
    }
  },
);
