import type { ChildProcess } from 'node:child_process';
import { request, type IncomingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';
import type { StreamMessage, WireError } from '@run-pipeline/core/wire';
import { BINARY, startNode } from './command.js';

type Env = Readonly<Record<string, string | undefined>>;

interface Printed {
  readonly url: string;
  readonly address: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** `run-pipeline ui`, as a real process that is asked by real HTTP. */
export class PageServer {
  readonly address: string;
  readonly port: number;
  readonly token: string;
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  cookie: string | undefined;

  private constructor(
    child: ChildProcess,
    printed: Printed,
    ended: PageServer['ended'],
    /** What its terminal shows. */
    readonly stderr: () => string,
  ) {
    this.child = child;
    this.address = printed.address;
    this.port = Number(new URL(printed.address).port);
    this.token = new URL(printed.url).searchParams.get('token')!;
    this.ended = ended;
  }

  static async start(options: {
    readonly cwd: string;
    readonly env?: Env;
    readonly words?: readonly string[];
    /** Whoever starts it ends it: for several tests. Default: it ends with the test. */
    readonly keep?: boolean;
  }): Promise<PageServer> {
    const { cwd, env = {}, words = ['--port', '0'], keep = false } = options;
    const child = startNode([BINARY, 'ui', '--json', ...words], { cwd, env });
    child.stdin?.end();
    let stdout = '';
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    if (!keep)
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await ended;
      });
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        const end = stdout.indexOf('\n');
        if (end !== -1) resolve(stdout.slice(0, end));
      });
      void ended.then(({ code }) => reject(new Error(`ui ended with ${code}\n${stdout}\n${stderr}`)));
    });
    return new PageServer(child, JSON.parse(line) as Printed, ended, () => stderr);
  }

  /** What a browser has after it opened the link. */
  async login(): Promise<void> {
    const reply = await this.ask('GET', `/?token=${this.token}`, { session: 'none' });
    this.cookie = reply.headers['set-cookie']?.[0]?.split(';')[0];
  }

  /** One request, its path sent as it is. */
  ask(
    method: string,
    path: string,
    options: {
      /** Default: the token, as programs do. */
      readonly session?: 'token' | 'cookie' | 'none';
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    } = {},
  ): Promise<Reply> {
    const { session = 'token', body } = options;
    const headers: Record<string, string> = {
      ...(session === 'token' ? { authorization: `Bearer ${this.token}` } : {}),
      ...(session === 'cookie' && this.cookie !== undefined ? { cookie: this.cookie } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, method, path, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              bytes,
              text: bytes.toString('utf8'),
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async get<T>(path: string): Promise<T> {
    return this.#json<T>(await this.ask('GET', path), path);
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>(await this.ask('POST', path, { body: JSON.stringify(body) }), path);
  }

  /** What a request that is refused answers. */
  async refused(
    method: string,
    path: string,
    options: Parameters<PageServer['ask']>[2] = {},
  ): Promise<WireError['error'] & { readonly status: number }> {
    const { status, text } = await this.ask(method, path, options);
    if (status < 400) throw new Error(`${method} ${path} was answered: ${status} ${text.slice(0, 500)}`);
    return { status, ...(JSON.parse(text) as WireError).error };
  }

  #json<T>({ status, text }: Reply, path: string): T {
    if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 2000)}`);
    return JSON.parse(text) as T;
  }

  stream(query: string): PageStream {
    return new PageStream(this, query);
  }

  /** Ctrl-C. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGINT');
    return (await this.ended).code;
  }
}

/** The stream of changes, as a browser reads it. */
export class PageStream {
  readonly messages: StreamMessage[] = [];
  readonly ended: Promise<void>;
  #open = '';
  #waiting: (() => void)[] = [];
  readonly #close: () => void;

  constructor(server: PageServer, query: string) {
    const sent = request({
      host: '127.0.0.1',
      port: server.port,
      path: `/api/stream${query === '' ? '' : `?${query}`}`,
      headers: { authorization: `Bearer ${server.token}`, accept: 'text/event-stream' },
      agent: false,
    });
    this.#close = () => sent.destroy();
    onTestFinished(() => this.#close());
    this.ended = new Promise((resolve) => {
      sent.on('error', () => resolve());
      sent.on('response', (response) => {
        response.setEncoding('utf8');
        response.on('data', (text: string) => this.#read(text));
        response.on('error', () => resolve());
        response.on('close', () => resolve());
      });
    });
    void this.ended.then(() => this.#ring());
    sent.end();
  }

  close(): void {
    this.#close();
  }

  /** The first message, told or still to come, that fits; rejects when the stream ends without it. */
  async until<T extends StreamMessage>(fits: (message: StreamMessage) => message is T): Promise<T>;
  async until(fits: (message: StreamMessage) => boolean): Promise<StreamMessage>;
  async until(fits: (message: StreamMessage) => boolean): Promise<StreamMessage> {
    let over = false;
    void this.ended.then(() => (over = true));
    for (let looked = 0; ; looked = this.messages.length) {
      const found = this.messages.slice(looked).find(fits) ?? this.messages.find(fits);
      if (found !== undefined) return found;
      if (over) throw new Error(`the stream ended after ${JSON.stringify(this.messages).slice(0, 2000)}`);
      await new Promise<void>((ring) => this.#waiting.push(ring));
    }
  }

  #read(text: string): void {
    const blocks = (this.#open + text).split('\n\n');
    this.#open = blocks.pop()!;
    for (const block of blocks) {
      const data = block
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice('data: '.length));
      if (data.length > 0) this.messages.push(JSON.parse(data.join('\n')) as StreamMessage);
    }
    this.#ring();
  }

  #ring(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const ring of waiting) ring();
  }
}
