import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RunEvent, StepEnd } from '@run-pipeline/core/model';
import { onTestFinished } from 'vitest';
import { fleet, LEASE_MS, type Fleet } from '../../rig/agents.js';
import { JsonProcess, send } from '../../rig/json-process.js';

/**
 * What steps of these tests share, as `trace.ts`. Agents run in directories of their own, so it goes by the
 * variable TRACES, which runs and agents have alike.
 */
const TRACE = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const at = (name: string): string => process.env.TRACES + '/' + name;
export const trace = (word: string): void => appendFileSync(at('trace.txt'), word + '\\n');
export const leave = (name: string): void => writeFileSync(at(name), String(process.pid));
export async function appears(name: string, signal?: AbortSignal): Promise<void> {
  for (let waited = 0; !existsSync(at(name)); waited += 20) {
    signal?.throwIfAborted();
    if (waited > 40_000) throw new Error(name + ' did not appear');
    await setTimeout(20);
  }
}
`;

type Env = Readonly<Record<string, string | undefined>>;

/** `run-pipeline … --json` that runs, or resumes, a pipeline; killed with the test. */
export class RunProcess extends JsonProcess<RunEvent> {
  constructor(args: readonly string[], options: { readonly cwd: string; readonly env: Env }) {
    super(args, options);
    onTestFinished(async () => {
      send(this.pid, 'SIGKILL');
      await this.ended;
    });
  }

  /** The first event of this type about this step, printed or still to come. */
  async told<T extends RunEvent['type']>(
    type: T,
    step?: string,
    attempt?: number,
  ): Promise<Extract<RunEvent, { readonly type: T }>> {
    const event = await this.printed(
      (line) =>
        line.type === type &&
        (step === undefined || ('step' in line && line.step === step)) &&
        (attempt === undefined || ('attempt' in line && line.attempt === attempt)),
    );
    if (event === undefined)
      throw new Error(`the run ended without ${type} of ${step}\n${this.stderr}\n${this.words().join('\n')}`);
    return event as Extract<RunEvent, { readonly type: T }>;
  }

  /** To its end. */
  async result(): Promise<{
    readonly code: number | null;
    readonly ends: Readonly<Record<string, StepEnd>>;
  }> {
    const { code } = await this.ended;
    const ends: Record<string, StepEnd> = {};
    for (const event of this.lines) if (event.type === 'step.end') ends[event.step] = event;
    return { code, ends };
  }

  /** What it told about a step, in words: `queue 1`, `start 1 on agent`, `retry 1 agent-lost`, `end completed 2`. */
  words(step?: string): readonly string[] {
    return this.lines.flatMap((event): string[] => {
      if (!('step' in event) || (step !== undefined && event.step !== step)) return [];
      switch (event.type) {
        case 'step.queue':
          return [`queue ${event.attempt}`];
        case 'step.start':
          return [`start ${event.attempt}${event.agent === undefined ? '' : ' on agent'}`];
        case 'step.retry':
          return [`retry ${event.attempt} ${event.error.code ?? event.error.message}`];
        case 'step.end':
          return [`end ${event.status} ${event.attempt}`];
        default:
          return [];
      }
    });
  }

  /** What a step printed, as the run tells it. */
  console(step: string): string {
    return this.lines
      .map((event) => (event.type === 'step.log' && event.step === step ? event.text : ''))
      .join('');
  }
}

export interface QueueRig extends Fleet {
  /** In the project's directory, unless `cwd` says otherwise. */
  run(args: readonly string[], env?: Env, cwd?: string): RunProcess;
  /** Lines of `trace(…)`, in order. */
  traces(): readonly string[];
  /** What steps have left, and gates, are there no more. */
  forget(): void;
  /** Lets steps that wait for this file go on. */
  open(gate: string): void;
  readonly env: Env;
}

/** @param finished As of `fleet`. */
export async function queueRig(
  files: Readonly<Record<string, string>>,
  finished?: Parameters<typeof fleet>[1],
): Promise<QueueRig> {
  const it = await fleet({ 'trace.ts': TRACE, ...files }, finished);
  const { directory } = it.files;
  const env: Env = {
    RUN_PIPELINE_LEASE_MS: String(LEASE_MS),
    RUN_PIPELINE_GRACE_MS: '500',
    TRACES: directory,
  };
  return {
    ...it,
    env,
    run: (args, more = {}, cwd = directory) => new RunProcess(args, { cwd, env: { ...env, ...more } }),
    traces() {
      const file = it.files.path('trace.txt');
      return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    },
    open: (gate) => writeFileSync(it.files.path(gate), ''),
    forget() {
      for (const name of readdirSync(directory))
        if (!(name in files) && !/^(node_modules|package\.json|trace\.ts|\.run-pipeline)$/.test(name))
          rmSync(it.files.path(name), { recursive: true });
    },
  };
}
