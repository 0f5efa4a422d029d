import { useCallback, useEffect, useSyncExternalStore } from 'react';
import type { StepName } from '@run-pipeline/core/model';
import { applyEvent, viewFromJson, type RunView, type StepView } from '@run-pipeline/core/run-view';
import type { RunSnapshot, StreamMessage } from '@run-pipeline/core/wire';
import { ask } from './api.js';
import { oncePerFrame } from './frame.js';
import { endOfId, shortRunName } from '../design/run-name.js';
import { NOTHING, stream } from './stream/index.js';

type Listener = () => void;

/**
 * A run as it is at this moment: a snapshot, and the events since. Events are folded as they come;
 * who listens is told once a frame, and of a step only when that step changed: a thousand steps that
 * change each second do not draw a page of a thousand cards anew.
 */
export class LiveRun {
  readonly view: RunView;
  readonly snapshot: RunSnapshot;
  /** Set when its process is gone: how to continue it. */
  resume: string | undefined;
  /** It was deleted. */
  gone = false;
  /** Rises with every change; `shape` only when nodes or edges came. */
  version = 0;
  shape = 0;

  readonly #steps = new Map<string, Set<Listener>>();
  readonly #anything = new Set<Listener>();
  readonly #changed = new Set<string>();
  #all = false;
  #following = 0;
  #stop: (() => void) | undefined;
  readonly #flush = oncePerFrame(() => this.#tell());
  /** Of runs of other pipelines that results were taken from; undefined while they are asked for. */
  readonly #names = new Map<string, string | undefined>();
  #unnamed: string[] = [];
  readonly #askNames = oncePerFrame(() => void this.#readNames());

  constructor(snapshot: RunSnapshot) {
    this.snapshot = snapshot;
    this.view = viewFromJson(snapshot.view);
    this.resume = snapshot.resume;
  }

  /** Keeps it up to date until the returned function was called as often as this one. */
  follow(): () => void {
    if (this.#following++ === 0)
      this.#stop = stream.follow({ ...NOTHING, runs: { [this.view.id]: this.view.lastSeq } }, (message) =>
        this.#hear(message),
      );
    return () => {
      if (--this.#following > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  /** All steps in the order of the graph, the elements of a mapped step behind it. */
  steps(): readonly StepView[] {
    const elements = new Map<string, StepView[]>();
    for (const step of this.view.steps.values()) {
      if (step.of === undefined) continue;
      const list = elements.get(step.of);
      if (list === undefined) elements.set(step.of, [step]);
      else list.push(step);
    }
    if (elements.size === 0) return [...this.view.steps.values()];
    const ordered: StepView[] = [];
    for (const step of this.view.steps.values()) {
      if (step.of !== undefined && this.view.steps.has(step.of)) continue;
      ordered.push(step, ...(elements.get(step.name) ?? []));
    }
    return ordered;
  }

  step(name: string): StepView | undefined {
    return this.view.steps.get(name as StepName);
  }

  /** `#3` of a run of the same pipeline, `train #3` of another one; until that is known the end of its id. */
  nameOf(run: string): string {
    const sibling = this.snapshot.siblings.find(({ id }) => id === run);
    if (sibling !== undefined) return `#${sibling.number}`;
    const name = this.#names.get(run);
    if (name === undefined) this.#askName(run);
    return name ?? endOfId(run);
  }

  onStep(name: string, listener: Listener): () => void {
    const listeners = this.#steps.get(name) ?? new Set();
    this.#steps.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#steps.delete(name);
    };
  }

  onAnything(listener: Listener): () => void {
    this.#anything.add(listener);
    return () => this.#anything.delete(listener);
  }

  #askName(run: string): void {
    if (this.#names.has(run)) return;
    this.#names.set(run, undefined);
    this.#unnamed.push(run);
    this.#askNames();
  }

  async #readNames(): Promise<void> {
    const ids = this.#unnamed.splice(0, 200);
    const { names } = await ask('GET /api/run-names', { query: { ids: ids.join(',') } }).catch(() => ({
      names: [],
    }));
    if (this.#unnamed.length > 0) this.#askNames();
    if (names.length === 0) return;
    for (const named of names) this.#names.set(named.id, shortRunName(named, this.view.pipeline));
    this.#flush();
  }

  #hear(message: StreamMessage): void {
    switch (message.type) {
      case 'events': {
        if (message.run !== this.view.id) return;
        const before = this.view.lastSeq;
        for (const event of message.events) {
          if (event.seq <= this.view.lastSeq) continue;
          applyEvent(this.view, event);
          if ('step' in event) this.#changed.add(event.step);
          // A mapped step runs from the first start of an element on.
          const mapped = event.type === 'step.start' ? this.step(event.step)?.of : undefined;
          if (mapped !== undefined) this.#changed.add(mapped);
          if (event.type === 'run.start' || event.type === 'step.add') this.#grew(event.steps);
          if (event.type === 'run.resume') {
            this.#all = true;
            this.resume = undefined;
          }
        }
        this.view.lastSeq = Math.max(this.view.lastSeq, message.lastSeq);
        if (this.view.lastSeq !== before) this.#flush();
        return;
      }
      case 'liveness':
        if (message.run !== this.view.id) return;
        this.resume = message.lost ? message.resume : undefined;
        if (message.lost) this.view.status = 'lost';
        else if (this.view.status === 'lost') this.view.status = 'running';
        this.#flush();
        return;
      case 'gone':
        if (message.run !== this.view.id) return;
        this.gone = true;
        this.#flush();
        return;
      default:
    }
  }

  #grew(nodes: readonly { readonly name: string }[]): void {
    this.shape++;
    for (const { name } of nodes) this.#changed.add(name);
  }

  #tell(): void {
    this.version++;
    const steps = this.#all ? [...this.#steps.keys()] : [...this.#changed];
    this.#all = false;
    this.#changed.clear();
    for (const name of steps) for (const listener of this.#steps.get(name) ?? []) listener();
    for (const listener of this.#anything) listener();
  }
}

/** Follows while mounted. */
export function useFollow(run: LiveRun | undefined): void {
  useEffect(() => run?.follow(), [run]);
}

/** The step as it is; draws again only when it changed. */
export function useStep(run: LiveRun, name: string): StepView | undefined {
  const subscribe = useCallback((listener: Listener) => run.onStep(name, listener), [run, name]);
  return useSyncExternalStore(subscribe, () => run.step(name));
}

/** What the run is called that a result was taken from; draws again when that is known. */
export function useRunName(live: LiveRun, run: string | undefined): string {
  const subscribe = useCallback(
    (listener: Listener) => (run === undefined ? () => undefined : live.onAnything(listener)),
    [live, run],
  );
  return useSyncExternalStore(subscribe, () => (run === undefined ? '' : live.nameOf(run)));
}

/** Draws again at every change, at most once a frame; for what shows sums. */
export function useVersion(run: LiveRun): number {
  const subscribe = useCallback((listener: Listener) => run.onAnything(listener), [run]);
  return useSyncExternalStore(subscribe, () => run.version);
}

/** Draws again when nodes or edges came. */
export function useShape(run: LiveRun): number {
  const subscribe = useCallback((listener: Listener) => run.onAnything(listener), [run]);
  return useSyncExternalStore(subscribe, () => run.shape);
}
