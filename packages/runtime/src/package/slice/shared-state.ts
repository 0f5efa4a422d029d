import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';

/** What two steps may not share, as plain data: it is kept with the memo. */
export interface SharedFacts {
  /** Module state that the step holds, by `file#name`. */
  readonly state: Readonly<Record<string, SourceLocation>>;
  /** The part of it that the step changes while it runs, and where. */
  readonly changed: Readonly<Record<string, { readonly at: SourceLocation; readonly lazy: boolean }>>;
  /** Initialisers that give another value each time. */
  readonly impure: Readonly<Record<string, { readonly at: SourceLocation; readonly text: string }>>;
  /** The declaration that is the step's function, and the functions it reaches. */
  readonly entry: string | undefined;
  readonly functions: Readonly<Record<string, SourceLocation>>;
}

/** A step, for comparing it with the others. */
export interface ComparedStep {
  readonly key: string;
  /** What messages call it. */
  readonly name: string;
  readonly writing: 'class' | 'controller' | 'function';
  readonly shared: SharedFacts;
}

export interface SharedProblem {
  readonly diagnostic: Diagnostic;
  /** Steps that must not be packaged because of it. */
  readonly keys: readonly string[];
}

/**
 * What only shows between steps: each runs with a module state of its own, so state that one changes
 * and another uses, or an initialiser that gives each another value, would silently fall apart.
 */
export function compareSteps(steps: readonly ComparedStep[]): SharedProblem[] {
  return [...sharedState(steps), ...impureInitialisers(steps), ...calledSteps(steps)];
}

function index<T>(
  steps: readonly ComparedStep[],
  facts: (step: ComparedStep) => Readonly<Record<string, T>>,
): Map<string, { step: ComparedStep; fact: T }[]> {
  const byId = new Map<string, { step: ComparedStep; fact: T }[]>();
  for (const step of steps) {
    for (const [id, fact] of Object.entries(facts(step))) {
      const known = byId.get(id);
      if (known === undefined) byId.set(id, [{ step, fact }]);
      else known.push({ step, fact });
    }
  }
  return byId;
}

function sharedState(steps: readonly ComparedStep[]): SharedProblem[] {
  const users = index(steps, (step) => step.shared.state);
  const problems: SharedProblem[] = [];
  for (const [id, changes] of index(steps, (step) => step.shared.changed)) {
    const change = changes.find((each) => !each.fact.lazy);
    const all = new Map([...(users.get(id) ?? []), ...changes].map((each) => [each.step.key, each.step]));
    if (change === undefined || all.size < 2) continue;
    const other = [...all.values()].find((step) => step.key !== change.step.key)!;
    const name = nameOf(id);
    const declared = (users.get(id) ?? [])[0]?.fact;
    const otherPlace: SourceLocation | undefined = other.shared.changed[id]?.at;
    problems.push({
      keys: [...all.keys()],
      diagnostic: {
        code: 'shared-module-state',
        severity: 'error',
        message: `step ${change.step.name} changes \`${name}\`, which step ${other.name} uses too: every step runs with a \`${name}\` of its own`,
        at: change.fact.at,
        related: [
          ...(declared === undefined ? [] : [{ message: `\`${name}\` is declared here`, at: declared }]),
          ...(otherPlace === undefined
            ? []
            : [{ message: `step ${other.name} changes it here`, at: otherPlace }]),
        ],
        help: 'return the value from one step and take it as an input of the other',
      },
    });
  }
  return problems;
}

function impureInitialisers(steps: readonly ComparedStep[]): SharedProblem[] {
  const problems: SharedProblem[] = [];
  for (const [id, uses] of index(steps, (step) => step.shared.impure)) {
    const [first, second] = uses;
    if (first === undefined || second === undefined) continue;
    const name = nameOf(id);
    problems.push({
      keys: uses.map((each) => each.step.key),
      diagnostic: {
        code: 'impure-initialiser',
        severity: 'error',
        message: `steps ${first.step.name} and ${second.step.name} use \`${name}\`, but \`${first.fact.text}\` gives each of them another value`,
        at: first.fact.at,
        help: 'make the value in one step (or a pipeline parameter) and pass it to the others as an input',
      },
    });
  }
  return problems;
}

/** A plain function that is a step as well is inlined; only pipelines built by a controller have such. */
function calledSteps(steps: readonly ComparedStep[]): SharedProblem[] {
  const entries = new Map<string, ComparedStep>();
  for (const step of steps) if (step.shared.entry !== undefined) entries.set(step.shared.entry, step);
  const problems: SharedProblem[] = [];
  for (const step of steps) {
    for (const [id, at] of Object.entries(step.shared.functions)) {
      const called = entries.get(id);
      if (called === undefined || called.key === step.key || step.shared.entry === id) continue;
      const isError = step.writing !== 'controller';
      problems.push({
        keys: isError ? [step.key] : [],
        diagnostic: {
          code: 'calls-step',
          severity: isError ? 'error' : 'warning',
          message: `step ${step.name} calls \`${nameOf(id)}\`, which is step ${called.name}: it runs inside ${step.name}, not as a step`,
          at,
          help: `take the result of ${called.name} as an input`,
        },
      });
    }
  }
  return problems;
}

const nameOf = (id: string): string => id.slice(id.lastIndexOf('#') + 1);
