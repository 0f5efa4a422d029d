import { didYouMean } from '../model/did-you-mean.js';
import { RunPipelineError } from '../model/errors.js';
import { queueNameProblem } from '../model/queue-name.js';
import { isAmount, isPriority, isResourceName, PRIORITY_BOUND, type Resources } from '../model/resources.js';
import type { SourceLocation } from '../model/source.js';
import { durationMs } from './duration.js';

/** A declaration that cannot be right, found where it is written. */
export function declarationError(options: {
  readonly code: string;
  readonly message: string;
  readonly at?: SourceLocation | undefined;
  readonly help?: string | undefined;
  readonly cause?: unknown;
}): RunPipelineError {
  return new RunPipelineError({ kind: 'definition', ...options });
}

/** `"x"`, `7`, `a function`, `an array`: a wrong value as a message shows it. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * The door through which options enter: what is unknown or of a wrong type is an error that names
 * the option and the place, so that behind it everything is complete and typed.
 */
export class OptionReader {
  readonly #values: Readonly<Record<string, unknown>>;
  /** Opens every message: `@Step`, `addFunctionStep("train")`. */
  readonly what: string;
  readonly at: SourceLocation | undefined;

  constructor(options: {
    readonly what: string;
    readonly values: unknown;
    readonly known: readonly string[];
    readonly at: SourceLocation | undefined;
  }) {
    this.what = options.what;
    this.at = options.at;
    const values = options.values ?? {};
    if (typeof values !== 'object' || Array.isArray(values)) {
      throw this.error('options', `takes an object of options, not ${describeValue(values)}`);
    }
    this.#values = values as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(values)) {
      if (options.known.includes(key)) continue;
      throw this.error(
        'unknown-option',
        `has no option "${key}"${didYouMean(key, options.known)}`,
        `Its options are ${options.known.join(', ')}.`,
      );
    }
  }

  error(code: string, problem: string, help?: string): RunPipelineError {
    return declarationError({ code, message: `${this.what} ${problem}`, at: this.at, help });
  }

  hasAny(keys: readonly string[]): boolean {
    for (const key in this.#values) if (keys.includes(key)) return true;
    return false;
  }

  /** The value as it was given. */
  raw(key: string): unknown {
    return this.#values[key];
  }

  string(key: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw this.#wrong(key, 'a text that is not empty');
    return value;
  }

  /** The name of a queue. */
  queue(key = 'queue'): string | undefined {
    const name = this.string(key);
    const problem = name === undefined ? undefined : queueNameProblem(name);
    if (problem === undefined) return name;
    throw this.error('option-type', `takes the name of a queue as "${key}": ${problem}`);
  }

  requiredString(key: string): string {
    const value = this.string(key);
    if (value === undefined) throw this.error('missing-option', `needs the option "${key}"`);
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.#values[key];
    if (value !== undefined && typeof value !== 'boolean') throw this.#wrong(key, 'true or false');
    return value;
  }

  /** A whole number of at least `minimum`. */
  count(key: string, minimum: number): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum) {
      throw this.#wrong(key, `a whole number from ${minimum}`);
    }
    return value;
  }

  /** Of `priority`. */
  priority(): number | undefined {
    const value = this.#values['priority'];
    if (value === undefined) return undefined;
    if (!isPriority(value)) throw this.#wrong('priority', `a whole number up to ${PRIORITY_BOUND}`);
    return value;
  }

  /** Of `resources`: amounts by name. */
  resources(): Resources | undefined {
    const values = this.#values['resources'];
    if (values === undefined) return undefined;
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw this.#wrong('resources', 'an object of numbers, like { cpu: 2 }');
    for (const [name, amount] of Object.entries(values)) {
      if (!isResourceName(name))
        throw this.error(
          'option-type',
          `cannot have a resource called ${describeValue(name)}: names are letters, digits and _ . - /`,
        );
      if (!isAmount(amount)) throw this.error('option-type', `takes a number from 0 as resource "${name}"`);
    }
    return Object.freeze({ ...(values as Resources) });
  }

  /** Milliseconds, at least `minimum`. */
  duration(key: string, minimum = 1): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    const milliseconds = durationMs(value);
    if (milliseconds === undefined || milliseconds < minimum) {
      throw this.#wrong(key, `milliseconds, or a duration like '10m', '1.5s', '500ms'`);
    }
    return milliseconds;
  }

  /** Given in seconds (ClearML's `timeLimit`), returned in milliseconds. */
  seconds(key: string): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw this.#wrong(key, 'seconds, above 0');
    return Math.ceil(value * 1000);
  }

  /** A list of texts, each once. */
  strings(key: string): readonly string[] | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string' || item === '')) {
      throw this.#wrong(key, 'a list of texts');
    }
    const list = value as readonly string[];
    const repeated = list.find((item, index) => list.indexOf(item) !== index);
    if (repeated !== undefined) throw this.error('repeated', `names "${repeated}" twice in "${key}"`);
    return Object.freeze([...list]);
  }

  oneOf<const Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (!choices.includes(value as Choice)) {
      const hint = typeof value === 'string' ? didYouMean(value, choices) : '';
      throw this.#wrong(key, choices.map((choice) => `'${choice}'`).join(' or '), hint);
    }
    return value as Choice;
  }

  /** A function, called later with what the type says. */
  callable<Callable>(key: string): Callable | undefined {
    const value = this.#values[key];
    if (value !== undefined && typeof value !== 'function') throw this.#wrong(key, 'a function');
    return value as Callable | undefined;
  }

  /** A nested object of options. */
  nested(key: string, known: readonly string[]): OptionReader {
    return new OptionReader({
      what: `"${key}" of ${this.what}`,
      values: this.#values[key],
      known,
      at: this.at,
    });
  }

  #wrong(key: string, expected: string, hint = ''): RunPipelineError {
    const value = describeValue(this.#values[key]);
    return this.error('option-type', `takes ${expected} as "${key}", not ${value}${hint}`);
  }
}
