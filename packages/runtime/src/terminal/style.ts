import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours by meaning. Without colour every function is the identity. */
export interface Style {
  readonly colour: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly info: (text: string) => string;
  /** The prefix of a step's output: the same step has the same colour. */
  readonly step: (name: string, text: string) => string;
}

const STEP_COLOURS: readonly Format[] = ['cyan', 'magenta', 'blue', 'yellow', 'green'];

export function createStyle(colour: boolean): Style {
  // The stream was judged when `colour` was decided; styleText must not judge stdout again.
  const paint =
    (format: Format) =>
    (text: string): string =>
      colour && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  const colours = STEP_COLOURS.map(paint);
  return {
    colour,
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    info: paint('cyan'),
    step: (name, text) => colours[hash(name) % colours.length]!(text),
  };
}

/** NO_COLOR and FORCE_COLOR as everywhere (no-color.org, force-color.org), else whether a terminal reads. */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function hash(text: string): number {
  let value = 0;
  for (let index = 0; index < text.length; index++) value = (value * 31 + text.charCodeAt(index)) >>> 0;
  return value;
}
