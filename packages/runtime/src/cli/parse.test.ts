import { expect, test } from 'vitest';
import { COMMANDS, findCommand, RUN_SPEC } from './commands.js';
import { commandHelp, generalHelp } from './help.js';
import { formatLimits, formatResources, parseRate, parseResources } from '../queue/index.js';
import { firstArgument, parse, parseBytes, parseDuration } from './parse.js';

const run = (...words: string[]) => parse(RUN_SPEC, words);

test('options stand anywhere, with a blank or an equals sign, short ones too', () => {
  const parsed = run('--param', 'a=1', 'pipe.ts', '--param=b=x=y', '-c', '4', '-p', 'c=');
  expect(parsed.arguments).toEqual(['pipe.ts']);
  expect(parsed.options.texts('param')).toEqual(['a=1', 'b=x=y', 'c=']);
  expect(parsed.options.number('concurrency')).toBe(4);
  expect(run('pipe.ts', '-c4').options.number('concurrency')).toBe(4);
});

test('an optional value is taken only after an equals sign', () => {
  const all = run('--refresh', 'pipe.ts');
  expect(all.arguments).toEqual(['pipe.ts']);
  expect(all.options.has('refresh')).toBe(true);
  expect(all.options.texts('refresh')).toEqual([]);
  expect(run('pipe.ts', '--refresh=a', '--refresh=b').options.texts('refresh')).toEqual(['a', 'b']);
});

test.each([
  [['pipe.ts', '--refesh'], 'unknown option --refesh (did you mean "--refresh"?)'],
  [['pipe.ts', '-z'], 'unknown option -z'],
  [['pipe.ts', '--concurrency', 'many'], '--concurrency takes a whole number, but got "many"'],
  [['pipe.ts', '--concurrency=-1'], '--concurrency takes a whole number, but got "-1"'],
  [
    ['pipe.ts', '--output=lve'],
    '--output takes auto, live, stream, quiet, but got "lve" (did you mean "live"?)',
  ],
  [['pipe.ts', '--watch=yes'], '--watch takes no value, but got "yes"'],
  [['pipe.ts', '--param'], '--param needs a value: --param NAME=VALUE'],
  [['pipe.ts', '--from', 'a', '--from', 'b'], '--from was given twice'],
  [['pipe.ts', '--refresh='], '--refresh needs a value: --refresh=STEP'],
  [[], 'FILE[#name] is missing'],
  [['pipe.ts', 'other.ts'], '"other.ts" is one argument too many'],
])('%j is a usage error', (words, message) => {
  expect(() => run(...words)).toThrow(expect.objectContaining({ kind: 'usage', message }));
});

test('where a run goes is listed', () => {
  expect(commandHelp(RUN_SPEC)).toMatch(/--remote\[=Q\]/);
  expect(commandHelp(RUN_SPEC)).toMatch(/--queue Q/);
  expect(run('pipe.ts', '--remote', '--param', 'n=1').options.text('remote')).toBeUndefined();
});

test('an option of several words takes all up to the next option, and may be repeated', () => {
  const agent = (...words: string[]) => parse(findCommand('agent')!, words);
  const parsed = agent('--queue', 'a', 'b', '--once', '-q', 'c', '--queue=d', '--concurrency', '2');
  expect(parsed.options.texts('queue')).toEqual(['a', 'b', 'c', 'd']);
  expect(parsed.options.has('once')).toBe(true);
  expect(() => agent('--queue=a', 'b')).toThrow('"b" is one argument too many');
  expect(() => agent('--queue', '--once')).toThrow('--queue needs a value: --queue QUEUE…');
  expect(() => agent('--queue')).toThrow('--queue needs a value');
  expect(firstArgument(findCommand('agent')!, ['--queue', 'ls', 'show', '--json', '--once'])).toBe(-1);
});

test('after two dashes everything is an argument', () => {
  expect(run('--', '--odd-name.ts').arguments).toEqual(['--odd-name.ts']);
});

test('the first argument is found behind options and their values', () => {
  expect(firstArgument(RUN_SPEC, ['--param', 'runs=1', '--json', 'runs'])).toBe(3);
  expect(firstArgument(RUN_SPEC, ['--refresh', 'pipe.ts'])).toBe(1);
  expect(firstArgument(RUN_SPEC, ['--json'])).toBe(-1);
});

test('times and sizes', () => {
  expect([parseDuration('30m'), parseDuration('1.5h'), parseDuration('7d'), parseDuration('soon')]).toEqual([
    1_800_000,
    5_400_000,
    604_800_000,
    undefined,
  ]);
  expect([
    parseBytes('500MB'),
    parseBytes('2g'),
    parseBytes('1KiB'),
    parseBytes('10'),
    parseBytes('x'),
  ]).toEqual([524_288_000, 2 ** 31, 1024, 10, undefined]);
});

test('every command has help with an example and its options', () => {
  for (const command of COMMANDS) {
    const help = commandHelp(command);
    expect(help).toContain('Example');
    expect(help).toContain('--json');
    for (const line of help.split('\n')) expect(line.length).toBeLessThan(130);
    expect(generalHelp()).toContain(command.summary);
  }
  expect(findCommand('agents')).toBeUndefined();
});

test('amounts of resources, and rates, are read as they are shown', () => {
  expect(parseResources('gpu=1,ram=0.5, nvidia.com/mig=2 ')).toEqual({
    gpu: 1,
    ram: 0.5,
    'nvidia.com/mig': 2,
  });
  expect(formatResources({ gpu: 1, ram: 0.5 })).toBe('gpu=1 ram=0.5');
  for (const text of ['', 'gpu', 'gpu=1e3', 'gpu=-1', 'gpu=1,gpu=1', '1=1', 'a=1;b=2'])
    expect(parseResources(text)).toBeUndefined();
  for (const text of ['10/s', '100/m', '1/2h', '7/d', '50/90s']) {
    const rate = parseRate(text)!;
    expect(formatLimits({ rate })).toBe(`at most ${text}`);
  }
  expect(parseRate('5/60s')).toEqual({ max: 5, perMs: 60_000 });
  expect(formatLimits({ rate: { max: 1, perMs: 1_500 }, concurrency: 3 })).toBe(
    'at most 3 at once, 1/1500ms',
  );
  for (const text of ['10', '10/', '/s', '10/w', '-1/s', '0/s', '1/0m', '200000/s', '1/400d'])
    expect(parseRate(text)).toBeUndefined();
});

test('a priority is a whole number on both sides of 0', () => {
  expect(run('pipe.ts', '--priority', '-5').options.number('priority')).toBe(-5);
  expect(run('pipe.ts', '--priority=1000000').options.number('priority')).toBe(1_000_000);
  for (const text of ['1.5', 'high', '1000001', ''])
    expect(() => run('pipe.ts', '--priority', text)).toThrow(expect.objectContaining({ kind: 'usage' }));
});
