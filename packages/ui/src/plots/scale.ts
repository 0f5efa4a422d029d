/** Round values from below the least to above the most, about so many. */
export function niceTicks(least: number, most: number, about: number): readonly number[] {
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
  const [low, high] =
    least === most ? [least - Math.abs(least || 1) / 2, most + Math.abs(most || 1) / 2] : [least, most];
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? power * 10;
  const ticks: number[] = [];
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  for (let index = first; index <= last; index++) ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

export interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** From values to pixels. */
export function linearScale(
  values: Iterable<number>,
  pixels: readonly [number, number],
  options: { readonly about: number; readonly zero?: boolean },
): Scale {
  let least = options.zero === true ? 0 : Infinity;
  let most = options.zero === true ? 0 : -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const ticks = niceTicks(least, most, options.about);
  const from = ticks[0] ?? 0;
  const to = ticks.at(-1) ?? 1;
  return { ticks, at: (value) => pixels[0] + ((value - from) / (to - from || 1)) * (pixels[1] - pixels[0]) };
}
