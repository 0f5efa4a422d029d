import type { StreamMessage } from '@run-pipeline/core/wire';
import { StreamConnection, type LinkState } from './connection.js';
import { NOTHING, advance, union, type Subscription } from './subscription.js';

/**
 * All tabs of a browser share one stream: browsers open six connections to a server at most, and with
 * a stream for each tab the seventh would wait forever.
 */
export type ToWorker =
  | { readonly type: 'want'; readonly wanted: Subscription }
  | { readonly type: 'retry' }
  /** A tab that says nothing for long is gone: a port has no event for its other end's closing. */
  | { readonly type: 'alive' }
  | { readonly type: 'bye' };
export type FromWorker =
  | { readonly type: 'message'; readonly message: StreamMessage }
  | { readonly type: 'state'; readonly state: LinkState };

/** Tabs in the background have slowed timers: they are heard of once a minute at the least. */
const SILENT_MS = 150_000;

interface Tab {
  readonly port: MessagePort;
  wanted: Subscription;
  heardAt: number;
}

const tabs = new Set<Tab>();
let state: LinkState = 'idle';
const tell = (message: FromWorker): void => {
  for (const { port } of tabs) port.postMessage(message);
};
const connection = new StreamConnection({
  onMessage: (message) => {
    for (const tab of tabs) tab.wanted = advance(tab.wanted, message);
    tell({ type: 'message', message });
  },
  onState: (next) => {
    state = next;
    tell({ type: 'state', state });
  },
});
const update = (): void => connection.want(union([...tabs].map(({ wanted }) => wanted)));

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0];
  if (port === undefined) return;
  const tab: Tab = { port, wanted: NOTHING, heardAt: Date.now() };
  tabs.add(tab);
  port.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    tab.heardAt = Date.now();
    if (data.type === 'want') tab.wanted = data.wanted;
    else if (data.type === 'bye') tabs.delete(tab);
    else if (data.type === 'retry') connection.retry();
    // Silent for long and then heard of again: it slept.
    if (data.type !== 'bye') tabs.add(tab);
    if (data.type !== 'retry') update();
  });
  port.start();
  port.postMessage({ type: 'state', state } satisfies FromWorker);
});

setInterval(() => {
  const before = tabs.size;
  for (const tab of tabs) if (Date.now() - tab.heardAt > SILENT_MS) tabs.delete(tab);
  if (tabs.size !== before) update();
}, 30_000);
