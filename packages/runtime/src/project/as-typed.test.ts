import { expect, test } from 'vitest';
import { COMMANDS } from '../cli/commands.js';
import { asTyped, asTypedAnywhere, programName, VERBS } from './as-typed.js';

const npm = { npm_config_user_agent: 'npm/10.8.2 node/v20.20.2 linux x64 workspaces/false' };

test('who was started by a package manager is told commands with it, others as they are', () => {
  const text = 'run-pipeline resume 01k continues it; run-pipeline queue limit gpu --concurrency none';
  expect(asTyped(text, {})).toBe(text);
  expect(asTyped(text, { npm_config_user_agent: '' })).toBe(text);
  expect(asTyped(text, npm)).toBe(
    'npx run-pipeline resume 01k continues it; npx run-pipeline queue limit gpu --concurrency none',
  );
  expect(asTyped('(run-pipeline show x)', { npm_config_user_agent: 'pnpm/9.1.0 npm/? node/v22' })).toBe(
    '(pnpm exec run-pipeline show x)',
  );
  for (const words of [
    'FILE makes one',
    'COMMAND --help',
    '--help lists them',
    '[run] FILE',
    'jobs/train.ts',
  ])
    expect(asTyped(`run-pipeline ${words}`, npm)).toBe(`npx run-pipeline ${words}`);
  expect(asTypedAnywhere('`run-pipeline ui` prints it')).toBe('`npx run-pipeline ui` prints it');
  expect(programName(npm)).toBe('npx run-pipeline');
  expect(programName({})).toBe('run-pipeline');
});

test('what is no command to be typed stays, and so does what has it already', () => {
  for (const text of [
    'run-pipeline needs 13 or newer',
    'npx run-pipeline show latest',
    './node_modules/.bin/run-pipeline show',
    '@x/run-pipeline show',
    'run-pipeline showing',
  ])
    expect(asTyped(text, npm)).toBe(text);
});

test('all commands are known', () => {
  expect([...VERBS].toSorted()).toEqual(
    [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0]))].toSorted(),
  );
});
