import { relative, resolve } from 'node:path';
import type { ErrorRecord } from '@run-pipeline/core/model';
import { printable } from './sanitise.js';

/**
 * Workflow commands of GitHub Actions (docs.github.com, "Workflow commands"). Their texts are escaped, and
 * what a step prints can neither begin a command (`::…` at the start of a line) nor use the old form
 * (`##[…]`, which the runner finds anywhere in a line).
 */
export const groupStart = (title: string): string => `::group::${escapeData(title)}`;
export const groupEnd = '::endgroup::';

export function errorCommand(
  title: string,
  error: ErrorRecord,
  paths: { readonly cwd: string; readonly workspace: string | undefined },
): string {
  const properties = [`title=${escapeProperty(title)}`];
  const place = /^(.*):(\d+):(\d+)$/.exec(error.at ?? '');
  if (place !== null) {
    const absolute = resolve(paths.cwd, place[1]!);
    const file = paths.workspace === undefined ? place[1]! : relative(paths.workspace, absolute);
    properties.unshift(`file=${escapeProperty(file)}`, `line=${place[2]}`, `col=${place[3]}`);
  }
  return `::error ${properties.join(',')}::${escapeData(`${error.name}: ${error.message}`)}`;
}

export function harmless(text: string): string {
  return text.replaceAll('##[', '## [').replace(/^(\s*)::/gm, '$1: :');
}

const escapeData = (text: string): string =>
  printable(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
