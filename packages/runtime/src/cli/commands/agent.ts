import { constants, cpus } from 'node:os';
import { runAgent, type AgentEvent } from '../../agent/index.js';
import { openProject } from '../../engine/index.js';
import { graceMs, leaseMs } from '../../engine/settings.js';
import { agentEventLine } from '../agent-lines.js';
import { parseDuration } from '../parse.js';
import { human, type Context } from '../context.js';
import { resourcesOf } from '../task-queue.js';
import { usageError } from '../usage-error.js';
import { VERSION } from '../version.js';

/** `run-pipeline agent`: serves queues until it is asked to stop. */
export async function agentCommand(context: Context): Promise<number> {
  const { options, style } = context;
  // Handed on to the processes of controllers, which execute code of packages too.
  const env = options.has('require-signature')
    ? { ...context.env, RUN_PIPELINE_REQUIRE_SIGNATURE: '1' }
    : context.env;
  const given = options.texts('queue');
  const queues = [...new Set(given.length === 0 ? ['default'] : given)];
  const concurrency = options.number('concurrency');
  if (concurrency === 0) throw usageError('--concurrency takes a number from 1 on');
  const drainTimeout = options.text('drain-timeout');
  // What is said replaces what is there without a word: `--resources cpu=4`.
  const resources = { cpu: Math.max(1, cpus().length), ...resourcesOf(options) };
  const project = await openProject({ ...context, env });
  const reader = human(context);
  const requests = listenForStops();
  const onEvent = (event: AgentEvent): void => {
    if (context.json)
      context.out.write(`${JSON.stringify({ v: 1, ts: new Date().toISOString(), ...event })}\n`);
    reader.write(`${agentEventLine(event, style)}\n`);
  };
  try {
    await runAgent({
      project,
      queues,
      order: options.has('order-fairness') ? 'fair' : 'given',
      createQueues: options.has('create-queue'),
      concurrency: concurrency ?? project.concurrency ?? Math.max(1, cpus().length),
      resources,
      leaseMs: leaseMs(env),
      graceMs: graceMs(env),
      drainTimeoutMs: drainTimeout === undefined ? undefined : parseDuration(drainTimeout),
      once: options.has('once'),
      env,
      version: VERSION,
      drain: requests.drain,
      handBack: requests.handBack,
      onEvent,
    });
    return requests.exitCode();
  } finally {
    requests.dispose();
    await project.close();
  }
}

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

interface StopRequests {
  /** After the first signal. */
  readonly drain: AbortSignal;
  /** After the second one. A third one ends the process as it is. */
  readonly handBack: AbortSignal;
  /** Stopped in its own time is how an agent ends well; else as by the signal. */
  readonly exitCode: () => number;
  readonly dispose: () => void;
}

function listenForStops(): StopRequests {
  const drain = new AbortController();
  const handBack = new AbortController();
  let interrupted = 0;
  const onSignal = (signal: Signal): void => {
    const code = 128 + constants.signals[signal];
    if (handBack.signal.aborted) process.exit(code);
    if (drain.signal.aborted) {
      interrupted = code;
      handBack.abort();
    } else drain.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    drain: drain.signal,
    handBack: handBack.signal,
    exitCode: () => interrupted,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
