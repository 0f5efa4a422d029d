import { maskUrl, RunPipelineError } from '@run-pipeline/core/model';
import type { SettingValue } from './config.js';

/**
 * Says which setting, where it was set, and what it is, without what it may hold of passwords: so it has no
 * place in the source either, which would be shown with its lines.
 */
export function wrongSetting(
  value: SettingValue,
  about: { readonly problem: string; readonly help: string; readonly code?: string },
): RunPipelineError {
  const { origin, name, text } = value;
  const what = origin.kind === 'environment' ? origin.variable : `\`${name}\` in ${origin.file}`;
  return new RunPipelineError({
    kind: 'usage',
    code: about.code ?? 'setting',
    message: `${what} (${maskUrl(text)}) ${about.problem}`,
    help: about.help,
  });
}
