import type { IsAny } from './typed-text.js';

/** Several returns are keys of the returned object, or the places of a tuple. */
export type ReturnsMistake<Returns extends readonly string[], R> = Returns extends
  readonly [] | readonly [string]
  ? never
  : number extends Returns['length']
    ? never
    : IsAny<R> extends true
      ? never
      : R extends readonly unknown[]
        ? Returns['length'] extends R['length']
          ? number extends R['length']
            ? `${Returns['length'] & number} returns need a tuple of that length, not a list`
            : never
          : `${Returns['length'] & number} returns, but the returned tuple has ${R['length'] & number} places`
        : R extends object
          ? Returns[number] extends keyof R
            ? never
            : `the step does not return \`${Exclude<Returns[number], keyof R>}\``
          : [`several returns are the keys of an object, and the step returns`, R];
