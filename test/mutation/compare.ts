import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { RunEvent, StepEnd } from '@run-pipeline/core/model';
import { repository, type ProjectDirectory } from './project-directory.js';
import type { ProjectState } from './project.js';
import { truth, type Values } from './truth.js';

const BINARY = join(repository, 'packages/runtime/bin/run-pipeline.js');

/** How a run and the truth compare. */
export interface Comparison {
  /** Of steps that ended well, by name. */
  readonly ends: Readonly<Record<string, StepEnd>>;
  /** The truth; undefined when the file cannot be executed. */
  readonly values: Values | undefined;
  /** A cached step whose value is not what executing gives: the worst bug there is. */
  readonly wrongHits: readonly string[];
  /** An executed step whose value is not what executing the whole file gives. */
  readonly wrongResults: readonly string[];
  /** Why the run gave no results though the file can be executed. */
  readonly refused: string | undefined;
  /** Steps that ended well although the file cannot be executed, and why it cannot. */
  readonly unfounded: string | undefined;
}

/** Runs the pipeline with its cache, executes the file without, and compares every value. */
export async function compare(
  project: ProjectDirectory,
  file: string,
  state: ProjectState,
): Promise<Comparison> {
  const [run, real] = await Promise.all([
    runPipeline(project, file, state),
    truth({ directory: project.path, file, out: join(project.aside, 'truth.mjs'), state }),
  ]);
  const nothing = { wrongHits: [], wrongResults: [], refused: undefined, unfounded: undefined };
  if (!real.ok) {
    const unfounded = run.completed ? real.error : undefined;
    return { ...nothing, ends: run.ends, values: undefined, unfounded };
  }
  const refused = run.completed ? undefined : run.stderr;
  const wrong = Object.entries(run.ends).filter(([name, end]) => !holds(end, real.steps[name] ?? {}));
  const named = (status: StepEnd['status']): string[] =>
    wrong.filter(([, end]) => end.status === status).map(([name]) => name);
  return {
    ...nothing,
    ends: run.ends,
    values: real.steps,
    wrongHits: named('cached'),
    wrongResults: named('completed'),
    refused,
  };
}

/** Whether a step's artifacts are these values. */
function holds(end: StepEnd, values: Readonly<Record<string, string>>): boolean {
  const stored = Object.fromEntries((end.artifacts ?? []).map(({ name, hash }) => [name, String(hash)]));
  const expected = Object.fromEntries(
    Object.entries(values).map(([name, text]) => [
      name,
      `sha256:${createHash('sha256').update(text).digest('hex')}`,
    ]),
  );
  return isDeepStrictEqual(stored, expected);
}

interface RunResult {
  readonly completed: boolean;
  readonly ends: Readonly<Record<string, StepEnd>>;
  readonly stderr: string;
}

async function runPipeline(project: ProjectDirectory, file: string, state: ProjectState): Promise<RunResult> {
  const parameters = Object.entries(state.parameters).flatMap(([name, value]) => [
    '--param',
    `${name}=${value}`,
  ]);
  const child = spawn(process.execPath, [BINARY, file, '--json', '--concurrency', '2', ...parameters], {
    cwd: project.path,
    env: {
      PATH: process.env['PATH'],
      NO_COLOR: '1',
      RUN_PIPELINE_HOME: join(project.aside, 'home'),
      ...state.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const events = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent);
  const ends = events.flatMap((event) =>
    event.type === 'step.end' && (event.status === 'completed' || event.status === 'cached')
      ? [[event.step, event] as const]
      : [],
  );
  return { completed: code === 0, ends: Object.fromEntries(ends), stderr };
}
