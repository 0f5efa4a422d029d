import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from './commands.js';
import { bashScript, fishScript, zshScript } from './completion-scripts.js';

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash would offer for a line; the last word is the one being typed. */
function complete(...words: string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'completion-'));
  writeFileSync(join(directory, 'script.bash'), bashScript());
  writeFileSync(join(directory, 'pipe.ts'), '');
  const quoted = ['run-pipeline', ...words].map((word) => `'${word}'`).join(' ');
  const program = `compopt() { :; }; complete() { :; }; run-pipeline() { echo '[{"id":"01ABC"}]'; }
    source ./script.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _run_pipeline; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', program], { cwd: directory, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

test.skipIf(!has('bash'))('bash completes commands, files, options, choices and runs', () => {
  expect(complete('pl')).toEqual(['plan']);
  expect(complete('pi')).toContain('pipe.ts');
  expect(complete('plan', 'pi')).toEqual(['pipe.ts']);
  expect(complete('pipe.ts', '--ref')).toEqual(['--refresh=']);
  expect(complete('pipe.ts', '--output', 'l')).toEqual(['live']);
  expect(complete('show', '')).toEqual(['latest', '01ABC']);
  expect(complete('logs', '-')).toContain('--follow');
  expect(complete('completion', 'f')).toEqual(['fish']);
  expect(complete('pipe.ts', '--qu')).toEqual(['--queue']);
  expect(complete('pipe.ts', '--rem')).toEqual(['--remote=']);
});

test.each([
  ['zsh', zshScript()],
  ['fish', fishScript()],
] as const)('the %s script is well-formed and names every command', (shell, script) => {
  for (const { name } of COMMANDS) expect(script).toContain(name);
  if (!has(shell)) return;
  const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
