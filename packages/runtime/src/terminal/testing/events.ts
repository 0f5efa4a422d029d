import {
  digest,
  runId,
  stepName,
  type ArtifactRecord,
  type ErrorRecord,
  type RunEvent,
  type RunEventBody,
} from '@run-pipeline/core/model';

/** Makes the event stream of a run, numbered, for tests of what is shown. */
export class Events {
  readonly list: RunEvent[] = [];
  #seq = 0;

  add(body: RunEventBody): RunEvent {
    const event: RunEvent = {
      v: 1,
      seq: this.#seq,
      ts: '2026-01-01T00:00:00.000Z',
      run: runId('01RUN'),
      ...body,
    };
    this.#seq += 1;
    this.list.push(event);
    return event;
  }

  start(steps: readonly (string | readonly [name: string, ...parents: string[]])[]): RunEvent {
    return this.add({
      type: 'run.start',
      pipeline: 'iris',
      project: 'examples',
      version: '1',
      number: 3,
      parameters: {},
      steps: steps.map((step) => {
        const [name, ...parents] = typeof step === 'string' ? [step] : step;
        return { name: stepName(name), parents: parents.map(stepName) };
      }),
    });
  }

  elements(of: string, count: number): RunEvent {
    const steps = Array.from({ length: count }, (_, index) => ({
      name: stepName(`${of}[${index}]`),
      parents: [],
      of: stepName(of),
    }));
    return this.add({ type: 'step.add', steps });
  }

  queue(step: string, queue: string, attempt = 1): RunEvent {
    return this.add({ type: 'step.queue', step: stepName(step), attempt, queue });
  }

  begin(step: string, attempt = 1, agent?: string): RunEvent {
    return this.add({
      type: 'step.start',
      step: stepName(step),
      attempt,
      ...(agent === undefined ? {} : { agent }),
    });
  }

  retry(step: string, error: ErrorRecord, attempt = 1): RunEvent {
    return this.add({ type: 'step.retry', step: stepName(step), attempt, error, delayMs: 0 });
  }

  log(step: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): RunEvent {
    return this.add({ type: 'step.log', step: stepName(step), attempt: 1, stream, text });
  }

  end(
    step: string,
    status: 'completed' | 'cached' | 'failed' | 'aborted' | 'skipped' = 'completed',
    more: Partial<Extract<RunEventBody, { type: 'step.end' }>> = {},
  ): RunEvent {
    return this.add({
      type: 'step.end',
      step: stepName(step),
      status,
      attempt: 1,
      durationMs: 1200,
      artifacts: [],
      why: [],
      ...more,
    });
  }

  finish(status: 'completed' | 'failed' | 'aborted' = 'completed'): RunEvent {
    return this.add({ type: 'run.end', status, durationMs: 4200 });
  }
}

export function artifact(name: string, size: number): ArtifactRecord {
  return {
    name,
    type: 'superjson',
    hash: digest(`sha256:${'a'.repeat(64)}`),
    size,
    url: `artifact://sha256/${'a'.repeat(64)}`,
    codecVersion: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  };
}
