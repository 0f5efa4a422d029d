/** Durations, sizes and numbers as people read them. Pure; every one fits into its column. */

/** `12 ms`, `1.24 s`, `12.3 s`, `2 m 05 s`, `1 h 02 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return duration(0);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Of something that goes on: whole seconds, so that it does not flicker. */
export const elapsed = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : duration(Math.floor(ms / 1000) * 1000);

const two = (value: number): string => String(value).padStart(2, '0');

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `812 B`, `1.4 KB`, `80 MB`. Of 1,000 bytes, as disks and file managers count. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits).replace(/\.?0+$/, digits === 0 ? '$&' : '')} ${UNITS[unit]}`;
}

const whole = new Intl.NumberFormat('en-US');

/** `12,345`. */
export const count = (value: number): string => whole.format(value);

/** `1 step`, `12 steps`. */
export const many = (value: number, one: string, several = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : several}`;

/** A metric: at most five digits that mean something. */
export function metric(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return count(value);
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4)
    return value
      .toExponential(3)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  return String(Number(value.toPrecision(5)));
}

/** A value of a parameter on one line: text without quotes, the rest as JSON. */
export function plainValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  return JSON.stringify(value) ?? String(value);
}

/** `0197a3c0…` of a hash, of `sha256:` digests too. */
export const shortHash = (hash: string): string => hash.replace(/^(?:sha256|fp\d+):/, '').slice(0, 8);
