import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAlive, isGroupAlive, processIdentity } from './process-identity.js';

test('this process is alive, and its identity stays the same', () => {
  expect(isAlive(processIdentity())).toBe('alive');
  expect(processIdentity()).toEqual(processIdentity());
  expect(processIdentity().pid).toBe(process.pid);
});

test('a child is alive until it has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  const identity = processIdentity(child.pid!);
  expect(isAlive(identity)).toBe('alive');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(identity)).toBe('dead');
});

test('a pid that another process has now is dead', () => {
  expect(isAlive({ ...processIdentity(), startTime: '1' })).toBe('dead');
});

test('another boot is dead, another host is unknown', () => {
  expect(isAlive({ ...processIdentity(), bootId: 'another' })).toBe('dead');
  expect(isAlive({ ...processIdentity(), host: 'another', bootId: 'another' })).toBe('unknown');
});

test('a pid of 0 or below never signals a group', () => {
  expect(isAlive({ ...processIdentity(), pid: 0 })).toBe('dead');
  expect(isAlive({ ...processIdentity(), pid: -1 })).toBe('dead');
});

test.skipIf(process.platform === 'win32')('a group lives as long as one of its processes', async () => {
  const leader = spawn('sh', ['-c', 'sleep 60 & echo $!; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const [line] = (await once(leader.stdout, 'data')) as [Buffer];
  const identity = { ...processIdentity(leader.pid!), processGroup: leader.pid! };
  expect(isGroupAlive(identity)).toBe(true);
  leader.kill('SIGKILL');
  await once(leader, 'exit');
  expect(isAlive(identity)).toBe('dead');
  expect(isGroupAlive(identity)).toBe(true);
  expect(isGroupAlive({ ...identity, bootId: 'another' })).toBe(false);
  process.kill(Number(line), 'SIGKILL');
  await expect.poll(() => isGroupAlive(identity), { timeout: 20_000 }).toBe(false);
});

test('a group whose number is another process now is gone', () => {
  expect(isGroupAlive({ ...processIdentity(), startTime: '1', processGroup: process.pid })).toBe(false);
});
