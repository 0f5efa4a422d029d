import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAlive, processIdentity } from './process-identity.js';

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
