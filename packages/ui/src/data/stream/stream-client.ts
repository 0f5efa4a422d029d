import type { StreamMessage } from '@run-pipeline/core/wire';
import { setServerTime } from '../clock.js';
import { StreamConnection, type LinkState } from './connection.js';
import type { FromWorker, ToWorker } from './shared.worker.js';
import { NOTHING, advance, union, type Subscription } from './subscription.js';

type Listener = (message: StreamMessage) => void;

interface Follower {
  wanted: Subscription;
  readonly listener: Listener;
}

/** What a tab knows of the stream: who follows what, and whether the server is there. */
export class StreamClient {
  readonly #followers = new Set<Follower>();
  readonly #stateListeners = new Set<() => void>();
  #state: LinkState = 'idle';
  /** Of the server that answers now: another one has other tokens, and its clock. */
  #server: string | undefined;
  #want: (wanted: Subscription) => void;
  #retry: () => void;

  constructor() {
    const receive = (message: StreamMessage): void => this.#receive(message);
    const setState = (state: LinkState): void => this.#setState(state);
    const shared = connectShared(receive, setState);
    if (shared !== undefined) {
      this.#want = shared.want;
      this.#retry = shared.retry;
    } else {
      const own = new StreamConnection({ onMessage: receive, onState: setState });
      this.#want = (wanted) => own.want(wanted);
      this.#retry = () => own.retry();
    }
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#retry();
    });
  }

  /** Follows from these cursors on until the returned function is called. */
  follow(wanted: Subscription, listener: Listener): () => void {
    const follower: Follower = { wanted, listener };
    this.#followers.add(follower);
    this.#update();
    return () => {
      this.#followers.delete(follower);
      this.#update();
    };
  }

  retry(): void {
    this.#retry();
  }

  readonly state = (): LinkState => this.#state;
  readonly onState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  #update(): void {
    this.#want(
      this.#followers.size === 0 ? NOTHING : union([...this.#followers].map(({ wanted }) => wanted)),
    );
  }

  #receive(message: StreamMessage): void {
    if (message.type === 'hello') {
      setServerTime(message.now);
      this.#server = message.server;
    }
    for (const follower of this.#followers) {
      follower.wanted = advance(follower.wanted, message);
      follower.listener(message);
    }
  }

  get server(): string | undefined {
    return this.#server;
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

function connectShared(
  receive: Listener,
  setState: (state: LinkState) => void,
): { readonly want: (wanted: Subscription) => void; readonly retry: () => void } | undefined {
  if (typeof SharedWorker === 'undefined') return undefined;
  let worker: SharedWorker;
  try {
    worker = new SharedWorker(new URL('./shared.worker.ts', import.meta.url), {
      type: 'module',
      name: 'stream',
    });
  } catch {
    return undefined;
  }
  const { port } = worker;
  const post = (message: ToWorker): void => port.postMessage(message);
  port.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === 'state') setState(data.state);
    else receive(data.message);
  });
  port.start();
  let last: Subscription = NOTHING;
  addEventListener('pagehide', () => post({ type: 'bye' }));
  // Out of the back/forward cache.
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) post({ type: 'want', wanted: last });
  });
  setInterval(() => post({ type: 'alive' }), 25_000);
  return {
    want: (wanted) => {
      last = wanted;
      post({ type: 'want', wanted });
    },
    retry: () => post({ type: 'retry' }),
  };
}
