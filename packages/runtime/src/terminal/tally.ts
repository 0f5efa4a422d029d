import type { ArtifactRecord, ErrorRecord, RunEvent, StepEnd, StepName } from '@run-pipeline/core/model';

/** What the summary at the end needs of the events. Kept beside `Progress`, which forgets what ended. */
export class Tally {
  readonly artifacts: { readonly step: StepName; readonly artifact: ArtifactRecord }[] = [];
  readonly failures: { readonly step: StepName; readonly end: StepEnd }[] = [];
  readonly cachedFrom = new Set<string>();
  readonly #parents = new Set<StepName>();
  readonly #elements = new Set<StepName>();
  run: { readonly id: string; readonly pipeline: string; readonly number: number } | undefined;
  end:
    | { readonly status: string; readonly durationMs: number; readonly error: ErrorRecord | undefined }
    | undefined;
  /** Milliseconds that the cached steps took when they were executed. */
  savedMs = 0;

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run.start':
        this.run = { id: event.run, pipeline: event.pipeline, number: event.number };
        this.#add(event.steps);
        return;
      case 'step.add':
        this.#add(event.steps);
        return;
      case 'step.end':
        if (this.#elements.has(event.step)) {
          // Their values are the gather's; a thousand lines would say nothing.
        } else {
          for (const artifact of event.artifacts) this.artifacts.push({ step: event.step, artifact });
        }
        if (event.status === 'cached') {
          this.savedMs += event.savedMs ?? 0;
          if (event.cachedFrom !== undefined) this.cachedFrom.add(event.cachedFrom);
        }
        if (event.status === 'failed' || (event.status === 'aborted' && event.error !== undefined)) {
          this.failures.push({ step: event.step, end: { ...event } });
        }
        return;
      case 'run.end':
        this.end = { status: event.status, durationMs: event.durationMs, error: event.error };
        return;
      default:
        return;
    }
  }

  /** Artifacts of the steps that nothing takes from, which is what a run was made for, come first. */
  get ranked(): readonly { readonly step: StepName; readonly artifact: ArtifactRecord }[] {
    const isLast = (step: StepName): boolean => !this.#parents.has(step);
    return [
      ...this.artifacts.filter((item) => isLast(item.step)),
      ...this.artifacts.filter((item) => !isLast(item.step)),
    ];
  }

  #add(
    steps: readonly {
      readonly name: StepName;
      readonly parents: readonly StepName[];
      readonly of?: StepName;
    }[],
  ): void {
    for (const step of steps) {
      if (step.of !== undefined) this.#elements.add(step.name);
      else for (const parent of step.parents) this.#parents.add(parent);
    }
  }
}
