import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What becomes of a message to the server: it arrives; it is lost with the connection; only its answer is. */
export type Fate = 'arrives' | 'lost' | 'answer lost';

/** Connections to a server that a test may cut at a word that is said on them. */
export interface TcpProxy {
  readonly port: number;
  /** Decides about everything that is sent to the server from now on. */
  decide(fate: (message: string) => Fate): void;
  /** Nothing passes on the connections that there are, and nobody is told. New ones work. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function tcpProxy(target: number): Promise<TcpProxy> {
  let decide = (_message: string): Fate => 'arrives';
  const sockets = new Set<Socket>();
  let silence = new AbortController();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    let deaf = false;
    const silent = silence.signal;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (bytes) => {
      if (silent.aborted) return;
      const fate = decide(bytes.toString('latin1'));
      if (fate === 'lost') {
        cut();
        return;
      }
      deaf ||= fate === 'answer lost';
      upstream.write(bytes);
    });
    // The answer has come: what was asked is done.
    upstream.on('data', (bytes) => {
      if (deaf) cut();
      else if (!silent.aborted) client.write(bytes);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    decide(fate) {
      decide = fate;
    },
    fallSilent() {
      silence.abort();
      silence = new AbortController();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
