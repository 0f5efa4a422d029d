import { artifactDamaged } from './value-path.js';

/**
 * Whether a name that came with data may become one part of a path here: no separators, no way up,
 * nothing that a terminal or another system reads differently.
 */
export function isSafeFileName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    Buffer.byteLength(name) <= 255 &&
    !/[/\\\0]/.test(name) &&
    (process.platform !== 'win32' || !/[<>:"|?*]|[. ]$/.test(name))
  );
}

export function requireSafeFileName(name: unknown): string {
  if (isSafeFileName(name)) return name;
  throw artifactDamaged(`${JSON.stringify(String(name).slice(0, 80))} cannot be the name of a file`);
}
