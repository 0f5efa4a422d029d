import type { Route, Routes, WireError } from '@run-pipeline/core/wire';

/** `run` and `step` of `GET /api/runs/:run/steps/:step/why`. */
type PathNames<R extends string> = R extends `${string}:${infer Name}/${infer Rest}`
  ? Name | PathNames<`/${Rest}`>
  : R extends `${string}:${infer Name}`
    ? Name
    : never;

export type Asked<R extends Route> = (PathNames<R> extends never
  ? { readonly path?: undefined }
  : { readonly path: Readonly<Record<PathNames<R>, string>> }) &
  (Routes[R] extends { readonly query: infer Query }
    ? { readonly query?: Query }
    : { readonly query?: undefined }) &
  (Routes[R] extends { readonly body: infer Body }
    ? { readonly body: Body }
    : { readonly body?: undefined }) & {
    readonly signal?: AbortSignal;
  };

export type Reply<R extends Route> = Routes[R]['reply'];

/** The server refused: what, and what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly code: string;
  readonly help: string | undefined;

  constructor(status: number, error: WireError['error']) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.help = error.help;
  }
}

/** Nobody answered: the server is not there. */
export class ServerGone extends Error {
  override readonly name = 'ServerGone';

  constructor() {
    super('the server of this page does not answer');
  }
}

/** Asks the server. Paths, queries, bodies and replies are those of the wire's table of routes. */
export async function ask<R extends Route>(route: R, asked: Asked<R>): Promise<Reply<R>> {
  const [method, template] = route.split(' ') as ['GET' | 'POST', string];
  const names = (asked.path ?? {}) as Readonly<Record<string, string>>;
  const path = template.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
  const query = queryText(asked.query as object | undefined);
  let response: Response;
  try {
    response = await fetch(query === '' ? path : `${path}?${query}`, {
      method,
      credentials: 'same-origin',
      ...(asked.signal === undefined ? {} : { signal: asked.signal }),
      ...(method === 'POST'
        ? { body: JSON.stringify(asked.body), headers: { 'content-type': 'application/json' } }
        : {}),
    });
  } catch (error) {
    if (asked.signal?.aborted === true) throw error;
    throw new ServerGone();
  }
  const reply: unknown = await response.json().catch(() => undefined);
  if (response.ok && reply !== undefined) return reply as Reply<R>;
  throw new Refused(
    response.status,
    isWireError(reply)
      ? reply.error
      : { code: 'no-answer', message: `the server answered ${response.status} without a reason` },
  );
}

export function queryText(query: object | undefined): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== '') text.set(name, String(value));
  return text.toString();
}

const isWireError = (value: unknown): value is WireError =>
  typeof value === 'object' &&
  value !== null &&
  'error' in value &&
  typeof (value as WireError).error?.message === 'string';
