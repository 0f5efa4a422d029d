import { RunPipelineError } from '@run-pipeline/core/model';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** A setting that is a number of bytes: `20GB`, `500MB`, `1048576`. */
export function byteSize(
  env: Readonly<Record<string, string | undefined>>,
  setting: { readonly name: string; readonly otherwise: number; readonly code: string },
): number {
  const { name, otherwise, code } = setting;
  const text = env[name]?.trim();
  if (text === undefined || text === '') return otherwise;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text);
  if (match === null) {
    throw new RunPipelineError({
      kind: 'usage',
      code,
      message: `${name} is ${JSON.stringify(text)}, which is no size`,
      help: `write bytes, or a number with a unit: ${name}=20GB`,
    });
  }
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
}
