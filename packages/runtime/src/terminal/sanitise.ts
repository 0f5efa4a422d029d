/**
 * Text that a run made (console output, error messages, names) is never interpreted as terminal
 * control (INVARIANTS 21). Two doors: `printable` for names and messages, `printableLine` for a line
 * of console output, where colours (SGR) may stay.
 */

// ESC sequences after ECMA-48: CSI; the string controls OSC, DCS, SOS, PM, APC up to BEL, ST or the end
// of the text (an unterminated one would swallow what we print after it); two-character escapes. Each in
// its 7-bit (ESC [) and its 8-bit (U+009B) form.
const SEQUENCE =
  // eslint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[\u0030-\u003f]*[\u0020-\u002f]*[\u0040-\u007e]?|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[\u0020-\u002f]*[\u0030-\u007e]?/g;
// eslint-disable-next-line no-control-regex
const SGR = /^\u001b\[[0-9;:]*m$/;
// Controls, and the characters that reorder or hide what follows (Trojan Source).
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// eslint-disable-next-line no-control-regex
const SUSPICIOUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const RESET = '\u001b[0m';

/** No control sequence survives; line breaks and tabs do. */
export function printable(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text.replaceAll('\r\n', '\n').replace(SEQUENCE, '').replace(CONTROL, '');
}

/** For a name or a message that must stay on one line. */
export function printableWord(text: string): string {
  return printable(text).replace(/[\n\t]+/g, ' ');
}

/**
 * One line of console output without its line break. A carriage return starts the line again, as a
 * terminal shows it: of a progress bar the last state remains. With `colour` its SGR sequences stay and are
 * closed at the end, so that they cannot run into what follows.
 */
export function printableLine(line: string, colour: boolean): string {
  if (!SUSPICIOUS.test(line)) return line;
  const text = lastRewrite(line);
  if (!colour) return text.replace(SEQUENCE, '').replace(CONTROL, '');
  let styled = false;
  let clean = '';
  let end = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    clean += text.slice(end, match.index).replace(CONTROL, '');
    end = match.index + match[0].length;
    if (SGR.test(match[0])) {
      styled = true;
      clean += match[0];
    }
  }
  clean += text.slice(end).replace(CONTROL, '');
  return styled ? clean + RESET : clean;
}

function lastRewrite(line: string): string {
  if (!line.includes('\r')) return line;
  const states = line.split('\r');
  for (let index = states.length - 1; index >= 0; index--) if (states[index] !== '') return states[index]!;
  return '';
}
