import { createHash } from 'node:crypto';
import type { Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import type { PreimagePart, PreimageRow } from '@run-pipeline/core/ports';
import type { Row } from './row.js';
import { storedJson } from './stored-json.js';

/** Fewer dependencies than this are not worth sharing. */
const LONG = 8;

export interface KeptParts {
  /** JSON of all, or of all but the dependencies. */
  readonly own: string;
  /** The dependencies, the same for every step of a project and most of a preimage: kept once, by their hash. */
  readonly shared: { readonly hash: string; readonly text: string } | undefined;
  /** Where they belong. */
  readonly sharedAt: number;
}

export function keptParts(parts: readonly PreimagePart[]): KeptParts {
  const from = parts.findIndex(({ kind }) => kind === 'dependency');
  let to = from;
  while (to >= 0 && parts[to]?.kind === 'dependency') to++;
  if (to - from < LONG) return { own: JSON.stringify(parts), shared: undefined, sharedAt: 0 };
  const text = JSON.stringify(parts.slice(from, to));
  const hash = createHash('sha256').update(text).digest('base64url');
  return {
    own: JSON.stringify([...parts.slice(0, from), ...parts.slice(to)]),
    shared: { hash, text },
    sharedAt: from,
  };
}

/**
 * Makes rows of what was read. Everything is fetched at once (gc may remove it later), but parsed
 * when it is looked at: of most preimages only the fingerprint is compared.
 */
export class PreimageReader {
  /** Text of shared parts by their hash. */
  readonly #text: (hash: string) => string;
  readonly #shared = new Map<string, () => readonly PreimagePart[]>();

  constructor(text: (hash: string) => string) {
    this.#text = text;
  }

  /** `row`: step, run, fingerprint, parts, hash of the shared ones, where they belong. */
  row(row: Row): PreimageRow {
    const [step, run, fingerprint, text, shared, sharedAt] = row as [
      StepName,
      RunId,
      Fingerprint,
      string,
      string | null,
      number,
    ];
    const common = shared === null ? undefined : this.#sharedParts(shared);
    const parse = once(() => {
      const own = storedJson(text, 'what a fingerprint is made of') as PreimagePart[];
      return common === undefined ? own : [...own.slice(0, sharedAt), ...common(), ...own.slice(sharedAt)];
    });
    return {
      run,
      step,
      fingerprint,
      get parts() {
        return parse();
      },
    };
  }

  #sharedParts(hash: string): () => readonly PreimagePart[] {
    let parse = this.#shared.get(hash);
    if (parse === undefined) {
      const text = this.#text(hash);
      parse = once(() => storedJson(text, 'what a fingerprint is made of') as PreimagePart[]);
      this.#shared.set(hash, parse);
    }
    return parse;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

export interface LatestQuery {
  readonly project: string;
  readonly pipeline: string;
  /** All steps when absent. */
  readonly step?: string;
  readonly beforeRun?: RunId;
}
