import type { Route, Routes } from '@run-pipeline/core/wire';
import type { Fields } from './fields.js';
import { badRequest } from './refusal.js';

/** Each `:name` of a route's path. */
type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

export interface Asked<R extends Route> {
  readonly params: { readonly [Name in Names<R>]: string };
  readonly query: Routes[R] extends { readonly query: infer Query } ? Query : undefined;
  readonly body: Routes[R] extends { readonly body: infer Body } ? Body : undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

type Reads<R extends Route> = (Routes[R] extends { readonly query: infer Query }
  ? { readonly query: (fields: Fields) => Query }
  : { readonly query?: undefined }) &
  (Routes[R] extends { readonly body: infer Body }
    ? { readonly body: (fields: Fields) => Body }
    : { readonly body?: undefined });

/** How a route is served: what it reads, checked, and the answer. */
export type ServedRoute<R extends Route> = Reads<R> & {
  readonly answer: (asked: Asked<R>) => Promise<Routes[R]['reply']>;
};

/** One for every route of the table: a missing one, or a wrong reply, does not compile. */
export type ServedRoutes = { readonly [R in Route]: ServedRoute<R> };

/** A route whose own types are of no interest to who calls it. */
export interface AnyRoute {
  readonly method: 'GET' | 'POST';
  /** `['api', 'runs', ':run']`. */
  readonly segments: readonly string[];
  readonly path: string;
  readonly query?: ((fields: Fields) => unknown) | undefined;
  readonly body?: ((fields: Fields) => unknown) | undefined;
  readonly answer: (asked: {
    readonly params: Readonly<Record<string, string>>;
    readonly query: unknown;
    readonly body: unknown;
    readonly signal: AbortSignal;
  }) => Promise<unknown>;
}

export function listRoutes(routes: ServedRoutes): readonly AnyRoute[] {
  return Object.entries(routes).map(([key, route]) => {
    const [method, path] = key.split(' ') as ['GET' | 'POST', string];
    return {
      method,
      path,
      segments: path.split('/').slice(1),
      query: route.query,
      body: route.body,
      answer: route.answer as unknown as AnyRoute['answer'],
    };
  });
}

/** What may stand in the place of a `:name`; everything else is refused before any code sees it. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  run: /^[0-9a-z]{1,64}$/,
  hash: /^sha256:[0-9a-f]{64}$/,
  // Names of steps are data: whatever they hold, they are only ever compared. Control characters are in none.
  step: /^\P{Cc}{1,400}$/u,
  task: /^\P{Cc}{1,500}$/u,
  queue: /^\P{Cc}{1,200}$/u,
};

/**
 * The parameters of a path, each decoded exactly once from the address as it was sent: `%2F` in a name
 * is a slash of the name. Undefined when the path is another one.
 */
export function pathParameters(
  route: Pick<AnyRoute, 'segments'>,
  address: string,
): Readonly<Record<string, string>> | undefined {
  const path = address.split('?', 1)[0]!.split('/').slice(1);
  if (path.length !== route.segments.length) return undefined;
  const parameters = new Map<string, string>();
  for (const [index, segment] of route.segments.entries()) {
    const given = decoded(path[index]!);
    if (!segment.startsWith(':')) {
      if (given !== segment) return undefined;
      continue;
    }
    const name = segment.slice(1);
    const pattern = PARAMETERS[name];
    if (pattern === undefined) throw new Error(`no pattern for :${name}`);
    if (!pattern.test(given)) throw badRequest(`this is no ${name}: ${JSON.stringify(given.slice(0, 80))}`);
    parameters.set(name, given);
  }
  return Object.fromEntries(parameters);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest('the address is not properly encoded');
  }
}
