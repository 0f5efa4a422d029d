import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS, RUN_SPEC, findCommand } from '../../packages/runtime/src/cli/commands.js';
import { parse } from '../../packages/runtime/src/cli/parse.js';
import { repository } from '../rig/scratch.js';
import { blocks, pages } from './markdown.js';
import { shellCommands, type Command } from './shell.js';

const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

const commands = pages().flatMap((page) =>
  blocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code, line }) =>
      shellCommands(code).map((command) => [`${page.path}:${line}`, command] as const),
    ),
);

/** The words after `run-pipeline`, or undefined for another program. */
function words(command: Command): readonly string[] | undefined {
  const rest = command[0] === 'npx' ? command.slice(1) : command;
  return rest[0] === 'run-pipeline' ? rest.slice(1) : undefined;
}

test('every run-pipeline command of the documentation is one, with options that exist', () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const [place, command] of commands) {
    const given = words(command);
    if (given === undefined) continue;
    checked += 1;
    const spec = findCommand(given[0] ?? '', given[1]);
    const file = given.find((word) => /\.[mc]?tsx?(?:#\w+)?$/.test(word));
    try {
      if (spec === undefined && file === undefined) throw new Error('no command, and no file');
      parse(spec ?? RUN_SPEC, given.slice(spec === undefined ? 0 : spec.name.split(' ').length));
      if (file?.startsWith('examples/') && !existsSync(join(repository, file.replace(/#.*/, '')))) {
        throw new Error(`there is no ${file}`);
      }
    } catch (error) {
      wrong.push(`${place}: ${command.join(' ')}: ${(error as Error).message}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(checked).toBeGreaterThan(40);
});

test('every npm script that the documentation names exists', () => {
  const named = pages().flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => [path, script!] as const),
  );
  expect(named.filter(([, script]) => !(script in manifest.scripts))).toEqual([]);
  expect(named.length).toBeGreaterThan(0);
});

test('the page of the command line has every command and every option', () => {
  const { text } = pages().find(({ path }) => path === 'docs/guide/command-line.md')!;
  const sections = new Map(
    text.split(/^### /m).map((section) => [section.split('\n')[0]!.trim(), section] as const),
  );
  const missing = COMMANDS.flatMap(({ name, options }) => {
    const section = sections.get(name);
    if (section === undefined) return [name];
    return options
      .filter((option) => !section.includes(`--${option.name}`) && !inherits(section, option.name))
      .map((option) => `${name} --${option.name}`);
  });
  expect(missing).toEqual([]);
});

/** "Takes the options of `run`": what that section says stands for this one. */
const inherits = (section: string, option: string): boolean =>
  section.includes('Takes the options of `run`') && RUN_SPEC.options.some(({ name }) => name === option);
