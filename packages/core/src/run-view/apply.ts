import type { Report } from '../model/artifact.js';
import type { NodeSummary, RunEvent, StepEnd, StepRetry } from '../model/events.js';
import type { RunId, StepName } from '../model/ids.js';
import { beginSpan, endSpan } from './spans.js';
import { emptyRunView, type RunView, type StepView } from './view.js';

/**
 * Applies one event in place and returns the same view. Constant cost an event (a new node each, a
 * resume all steps). An event that was seen (`seq` not above the last) changes nothing, so a reader may
 * read again from any point; gaps are allowed, so it may leave the log lines out.
 */
export function applyEvent(view: RunView, event: RunEvent): RunView {
  if (event.run !== view.id) throw new TypeError(`an event of run ${event.run} cannot change run ${view.id}`);
  if (event.seq <= view.lastSeq) return view;
  view.lastSeq = event.seq;
  switch (event.type) {
    case 'run.start':
      view.pipeline = event.pipeline;
      view.project = event.project;
      view.version = event.version;
      view.number = event.number;
      view.parameters = event.parameters;
      view.source = event.source;
      view.status = 'running';
      view.startedAt = event.ts;
      addSteps(view, event.steps);
      break;
    case 'step.add':
      addSteps(view, event.steps);
      break;
    case 'step.start': {
      const { host: _host, pid: _pid, agent: _agent, ...step } = begunAgain(stepOf(view, event.step));
      put(view, {
        ...step,
        status: 'running',
        attempts: Math.max(step.attempts, event.attempt),
        startedAt: step.startedAt ?? event.ts,
        attemptStartedAt: event.ts,
        spans: beginSpan(step.spans, { kind: 'run', attempt: event.attempt, from: event.ts }),
        ...(event.task === undefined ? {} : { task: event.task }),
        ...(event.host === undefined ? {} : { host: event.host }),
        ...(event.pid === undefined ? {} : { pid: event.pid }),
        ...(event.agent === undefined ? {} : { agent: event.agent }),
      });
      if (step.of !== undefined) beginMapped(view, step.of, event.ts);
      break;
    }
    case 'step.queue':
      put(view, {
        ...begunAgain(stepOf(view, event.step)),
        status: 'queued',
        queue: event.queue,
        ...(event.task === undefined ? {} : { task: event.task }),
        spans: beginSpan(view.steps.get(event.step)?.spans, {
          kind: 'queue',
          attempt: event.attempt,
          from: event.ts,
        }),
      });
      break;
    case 'run.report':
      view.reports.push({ from: event.from, report: event.report });
      break;
    case 'run.artifact':
      view.artifacts.set(event.artifact.name, { from: event.from, artifact: event.artifact });
      break;
    case 'step.log':
      break;
    case 'step.report':
      // In place: copying the list for every scalar of a training loop would cost its square.
      report(view, event.step, event.report);
      break;
    case 'step.retry':
      put(view, retried(stepOf(view, event.step), event, event.ts));
      break;
    case 'step.end':
      put(view, ended(stepOf(view, event.step), event, event.ts));
      break;
    case 'run.resume':
      view.status = 'running';
      view.finishedAt = undefined;
      view.durationMs = undefined;
      view.error = undefined;
      // What did not succeed is executed again; a step that failed or was skipped may end otherwise now.
      for (const step of view.steps.values()) {
        if (step.status === 'running' || step.status === 'queued')
          put(view, {
            ...interrupted(step, event.ts),
            status: step.status === 'running' ? 'queued' : 'created',
          });
        else if (step.status !== 'completed' && step.status !== 'cached')
          put(view, { ...step, status: 'created' });
      }
      break;
    case 'run.end':
      view.status = event.status;
      view.finishedAt = event.ts;
      view.durationMs = event.durationMs;
      view.error = event.error;
      break;
    default:
      // An event of a newer version: everything known still holds.
      event satisfies never;
  }
  return view;
}

/** The view after these events. Without `id` the first event tells it. */
export function foldEvents(events: Iterable<RunEvent>, id?: RunId): RunView {
  let view = id === undefined ? undefined : emptyRunView(id);
  for (const event of events) view = applyEvent(view ?? emptyRunView(event.run), event);
  if (view === undefined) throw new TypeError('no events: which run is it?');
  return view;
}

/** What the attempt before left stays visible until the next one ends, except its end. */
function begunAgain(step: StepView): StepView {
  const {
    finishedAt: _at,
    durationMs: _took,
    savedMs: _saved,
    cachedFrom: _from,
    task: _task,
    ...rest
  } = step;
  return rest;
}

/** A mapped step has no execution of its own: it runs from the first start of an element on. */
function beginMapped(view: RunView, name: StepName, ts: string): void {
  const mapped = view.steps.get(name);
  if (mapped === undefined || (mapped.status !== 'created' && mapped.status !== 'queued')) return;
  const step = begunAgain(mapped);
  put(view, { ...step, status: 'running', startedAt: step.startedAt ?? ts, attemptStartedAt: ts });
}

function ended(step: StepView, event: StepEnd, ts: string): StepView {
  const { error: _error, cachedFrom: _from, savedMs: _saved, task: _task, ...rest } = step;
  return {
    ...rest,
    status: event.status,
    attempts: Math.max(step.attempts, event.attempt),
    finishedAt: ts,
    durationMs: event.durationMs,
    artifacts: event.artifacts,
    why: event.why,
    ...(step.spans === undefined
      ? {}
      : {
          spans: endSpan(step.spans, {
            at: ts,
            failed: event.status === 'failed' || event.status === 'aborted',
          }),
        }),
    ...(event.fingerprint === undefined ? {} : { fingerprint: event.fingerprint }),
    ...(event.savedMs === undefined ? {} : { savedMs: event.savedMs }),
    ...(event.cachedFrom === undefined ? {} : { cachedFrom: event.cachedFrom }),
    ...(event.task === undefined ? {} : { task: event.task }),
    ...(event.dependencies === undefined ? {} : { dependencies: event.dependencies }),
    ...(event.error === undefined ? {} : { error: event.error }),
  };
}

/** The attempt ended; the next one waits until its delay is over. */
function retried(step: StepView, event: StepRetry, ts: string): StepView {
  const spans = endSpan(step.spans, { at: ts, failed: true });
  return {
    ...step,
    status: 'queued',
    error: event.error,
    spans: beginSpan(spans, { kind: 'retry', attempt: event.attempt + 1, from: ts }),
  };
}

/** When its process was lost is not known: at the latest when another one took over. */
function interrupted(step: StepView, ts: string): StepView {
  return step.spans === undefined ? step : { ...step, spans: endSpan(step.spans, { at: ts, failed: true }) };
}

function addSteps(view: RunView, nodes: readonly NodeSummary[]): void {
  for (const node of nodes) {
    const known = view.steps.get(node.name);
    const blank = known ?? newStep(node.name);
    put(view, { ...blank, parents: node.parents, ...(node.of === undefined ? {} : { of: node.of }) });
  }
}

/** A step of which an event tells before it was added is shown all the same. */
const stepOf = (view: RunView, name: StepName): StepView => view.steps.get(name) ?? newStep(name);

function report(view: RunView, name: StepName, entry: Report): void {
  const step = stepOf(view, name);
  (step.reports as Report[]).push(entry);
  put(view, { ...step });
}

function newStep(name: StepName): StepView {
  return { name, parents: [], status: 'created', attempts: 0, artifacts: [], why: [], reports: [] };
}

function put(view: RunView, step: StepView): void {
  const before = view.steps.get(step.name);
  if (before !== undefined) view.counts[before.status]--;
  view.counts[step.status]++;
  view.steps.set(step.name, step);
}
