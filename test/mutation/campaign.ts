import { isDeepStrictEqual } from 'node:util';
import { compare, type Comparison } from './compare.js';
import { EDIT_KINDS, type EditKind } from './edits.js';
import { ProjectDirectory } from './project-directory.js';
import { baseProject, type ProjectState } from './project.js';
import { Random } from './random.js';

/** What one edit came to. */
export interface EditOutcome {
  readonly number: number;
  /** Names of the kinds, and what they did. */
  readonly edits: readonly string[];
  readonly neutral: boolean;
  readonly comparison: Comparison;
  /** Steps that were executed. */
  readonly executed: readonly string[];
  /** Steps that were executed though their values are those of the run before. */
  readonly sameAgain: readonly string[];
}

export interface CampaignSummary {
  readonly seed: number;
  readonly edits: number;
  /** Decisions: steps of runs that completed, each either cached or executed. */
  readonly hits: number;
  readonly executions: number;
  readonly wrongHits: readonly string[];
  readonly wrongResults: readonly string[];
  /** Completed runs of files that cannot be executed. */
  readonly unfounded: readonly string[];
  /** Runs that gave no results though the file can be executed. */
  readonly refused: readonly string[];
  /** Executions, with the same values as before, after edits that no step may re-run for. */
  readonly needless: readonly string[];
  /** Executions with the same values as before: code changed, its results did not. */
  readonly sameAgain: number;
  /** Files that could not be executed (an edit broke them), and so decided nothing. */
  readonly broken: number;
}

/**
 * Edits a pipeline at random, and after every edit compares what the cache gives with what executing
 * the whole file gives. One to three edits at a time; now and then everything is taken back, so that
 * old entries are found again.
 */
export async function campaign(options: {
  readonly seed: number;
  readonly count: number;
  readonly writing: 'class' | 'controller';
  /** Told of every edit. */
  readonly onEdit?: (outcome: EditOutcome) => void;
}): Promise<CampaignSummary> {
  const random = new Random(options.seed);
  const base = baseProject(options.writing);
  const project = new ProjectDirectory({ 'node_modules/@acme/shared': '../../packages/shared' });
  const summary = new Summary(options.seed);
  try {
    let state = base;
    let previous = await run(project, state);
    summary.start(previous);
    for (let number = 1; number <= options.count; number++) {
      const next = edit(state, base, random);
      project.write(next.state.files);
      for (const name of next.touch) if (next.state.files.has(name)) project.touch(name);
      const comparison = await run(project, next.state);
      const outcome = outcomeOf({ number, next, previous, comparison });
      summary.add(outcome);
      options.onEdit?.(outcome);
      if (comparison.values === undefined || comparison.refused !== undefined) {
        project.write(state.files); // an edit that broke the file is taken back
        continue;
      }
      state = next.state;
      previous = comparison;
    }
  } finally {
    project.remove();
  }
  return summary.result();
}

function run(project: ProjectDirectory, state: ProjectState): Promise<Comparison> {
  project.write(state.files);
  return compare(project, 'pipeline.ts', state);
}

interface Next {
  readonly state: ProjectState;
  readonly edits: readonly string[];
  readonly neutral: boolean;
  readonly touch: readonly string[];
}

function edit(state: ProjectState, base: ProjectState, random: Random): Next {
  if (random.chance(0.12)) return { state: base, edits: ['all taken back'], neutral: false, touch: [] };
  const wanted = random.pick([1, 1, 1, 2, 3]);
  const touch: string[] = [];
  const edits: string[] = [];
  const kinds: EditKind[] = [];
  let next = state;
  while (kinds.length < wanted) {
    const kind = random.pick(EDIT_KINDS);
    const result = kind.apply(next, random);
    if (result === undefined) continue;
    next = result.state;
    kinds.push(kind);
    edits.push(`${kind.name} (${result.what})`);
    if (result.touch !== undefined) touch.push(result.touch);
  }
  return { state: next, edits, neutral: kinds.every((kind) => kind.neutral), touch };
}

function outcomeOf(options: {
  readonly number: number;
  readonly next: Next;
  readonly previous: Comparison;
  readonly comparison: Comparison;
}): EditOutcome {
  const { number, next, previous, comparison } = options;
  const executed = Object.entries(comparison.ends).flatMap(([name, end]) =>
    end.status === 'completed' ? [name] : [],
  );
  const sameAgain = executed.filter(
    (name) =>
      previous.ends[name] !== undefined &&
      isDeepStrictEqual(previous.values?.[name], comparison.values?.[name]),
  );
  return { number, edits: next.edits, neutral: next.neutral, comparison, executed, sameAgain };
}

class Summary {
  readonly #seed: number;
  readonly #wrongHits: string[] = [];
  readonly #wrongResults: string[] = [];
  readonly #unfounded: string[] = [];
  readonly #refused: string[] = [];
  readonly #needless: string[] = [];
  #edits = 0;
  #hits = 0;
  #executions = 0;
  #sameAgain = 0;
  #broken = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The run before any edit. */
  start(comparison: Comparison): void {
    this.#note('before any edit', comparison);
    if (comparison.values === undefined) throw new Error('the project cannot be executed as it is');
  }

  add(outcome: EditOutcome): void {
    const { comparison, executed, sameAgain } = outcome;
    this.#edits += 1;
    const label = `edit ${outcome.number} of seed ${this.#seed}: ${outcome.edits.join('; ')}`;
    this.#note(label, comparison);
    if (comparison.values === undefined) this.#broken += 1;
    this.#executions += executed.length;
    this.#hits += Object.keys(comparison.ends).length - executed.length;
    this.#sameAgain += sameAgain.length;
    if (outcome.neutral && executed.length > 0) this.#needless.push(`${label} -> ${executed.join(', ')}`);
  }

  #note(label: string, { wrongHits, wrongResults, refused, unfounded }: Comparison): void {
    for (const name of wrongHits) this.#wrongHits.push(`${label} -> ${name}`);
    for (const name of wrongResults) this.#wrongResults.push(`${label} -> ${name}`);
    if (refused !== undefined) this.#refused.push(`${label}\n${refused}`);
    if (unfounded !== undefined) this.#unfounded.push(`${label}\n${unfounded}`);
  }

  result(): CampaignSummary {
    return {
      seed: this.#seed,
      edits: this.#edits,
      hits: this.#hits,
      executions: this.#executions,
      wrongHits: this.#wrongHits,
      wrongResults: this.#wrongResults,
      unfounded: this.#unfounded,
      refused: this.#refused,
      needless: this.#needless,
      sameAgain: this.#sameAgain,
      broken: this.#broken,
    };
  }
}
