import { inspect, toUSVString } from 'node:util';

/**
 * Keeps secrets out of console output and errors (INVARIANTS 2): as they are, and in the forms in which
 * programs usually print them. What is masked does not depend on how the text was cut into chunks.
 */
export interface Masker {
  /** Masks a complete text. */
  mask(text: string): string;
  /** Masks a text that comes in pieces. */
  stream(): MaskStream;
}

export interface MaskStream {
  /** The part of the text so far that can be shown; an end that may be the start of a secret waits. */
  push(text: string): string;
  /** The rest. */
  end(): string;
}

export const MASK = '***';

/** Shorter secrets are masked only as they are: their encoded forms would match everywhere. */
const SHORTEST_ENCODED = 4;
/** A line of a secret of several lines (a PEM key) is masked by itself from this length on. */
const SHORTEST_LINE = 8;

export function createMasker(secrets: readonly string[]): Masker {
  const forms = secretForms(secrets);
  if (forms.length === 0) return TRANSPARENT;
  const stream = (): MaskStream => maskStream(forms);
  return {
    mask(text) {
      const once = stream();
      return once.push(text) + once.end();
    },
    stream,
  };
}

const TRANSPARENT: Masker = {
  mask: (text) => text,
  stream: () => ({ push: (text) => text, end: () => '' }),
};

/** Every text that gives one of the secrets away. */
export function secretForms(secrets: readonly string[]): readonly string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...linesOf(secret)]) {
      forms.add(part);
      if (part.length >= SHORTEST_ENCODED) for (const form of encodedForms(part)) forms.add(form);
    }
  }
  forms.delete('');
  return [...forms];
}

function linesOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/);
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= SHORTEST_LINE);
}

function* encodedForms(secret: string): Generator<string> {
  const bytes = Buffer.from(secret, 'utf8');
  yield* base64Forms(bytes);
  yield bytes.toString('hex');
  yield bytes.toString('hex').toUpperCase();
  const json = JSON.stringify(secret).slice(1, -1);
  yield json;
  // A JSON text inside a JSON text: how structured logs hold a request's body.
  yield JSON.stringify(json).slice(1, -1);
  // `console.log({ secret })` quotes in its own way.
  yield inspect(secret, { maxStringLength: null, breakLength: Infinity }).slice(1, -1);
  // A lone surrogate has no URI form.
  if (toUSVString(secret) !== secret) return;
  const uri = encodeURIComponent(secret);
  yield uri;
  yield lowerCaseEscapes(uri);
  yield encodeURI(secret);
  const form = new URLSearchParams({ s: secret }).toString().slice(2);
  yield form;
  yield lowerCaseEscapes(form);
}

const lowerCaseEscapes = (uri: string): string =>
  uri.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());

/**
 * Base64 of the secret alone, and of the secret at each of the three alignments inside longer data
 * (`user:secret` of basic authentication): the characters that depend on nothing but the secret.
 */
function* base64Forms(bytes: Buffer): Generator<string> {
  for (const encoding of ['base64', 'base64url'] as const) {
    yield bytes.toString(encoding);
    for (const before of [0, 1, 2]) {
      const whole = Buffer.concat([Buffer.alloc(before), bytes])
        .toString(encoding)
        .replace(/=+$/, '');
      const first = Math.ceil((before * 8) / 6);
      const last = Math.floor(((before + bytes.length) * 8) / 6);
      // Fewer characters would match by chance.
      if (last - first >= SHORTEST_ENCODED) yield whole.slice(first, last);
    }
  }
}

/**
 * Secrets that overlap or touch are masked as one, so no rest of one of them stays; the state between
 * two pieces is bounded by the longest form.
 */
function maskStream(forms: readonly string[]): MaskStream {
  const longest = Math.max(...forms.map((form) => form.length));
  let tail = '';
  /** So many characters of `tail` are known to belong to a secret. */
  let masked = 0;
  /** The last thing shown was a mask: a secret that goes on from there adds none. */
  let afterMask = false;

  function show(text: string, hold: number): string {
    const spans = secretSpans(text, forms);
    if (masked > 0) spans.push([0, masked]);
    spans.sort((a, b) => a[0] - b[0]);
    let shown = '';
    let at = 0;
    masked = 0;
    for (const [start, end] of spans) {
      if (start >= hold) break;
      if (start > at) {
        shown += text.slice(at, start);
        afterMask = false;
      }
      if (!afterMask) shown += MASK;
      afterMask = true;
      at = Math.max(at, end);
      if (at >= hold) break;
    }
    if (at < hold) {
      shown += text.slice(at, hold);
      afterMask = false;
    }
    // Spans that reach over the held part, whether they were shown already or not.
    for (const [start, end] of spans) if (start <= hold && end > hold) masked = Math.max(masked, end - hold);
    tail = text.slice(hold);
    return shown;
  }

  return {
    push(text) {
      if (text === '') return '';
      const joined = tail + text;
      return show(joined, holdFrom(joined, forms, longest));
    },
    end() {
      const joined = tail;
      return show(joined, joined.length);
    },
  };
}

/** Where secrets stand, each `[start, end)`, overlapping ones too. */
function secretSpans(text: string, forms: readonly string[]): [number, number][] {
  const spans: [number, number][] = [];
  for (const form of forms) {
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) {
      const last = spans[spans.length - 1];
      // A run of overlapping matches (`aaaa…`) stays one span.
      if (last !== undefined && last[0] <= at && at <= last[1]) last[1] = Math.max(last[1], at + form.length);
      else spans.push([at, at + form.length]);
    }
  }
  return spans;
}

/** The first position from which the text, to its end, is the beginning of a form. */
function holdFrom(text: string, forms: readonly string[], longest: number): number {
  const first = Math.max(0, text.length - longest + 1);
  for (let at = first; at < text.length; at += 1) {
    const length = text.length - at;
    for (const form of forms) {
      if (form.length > length && form.startsWith(text.slice(at))) return at;
    }
  }
  return text.length;
}
