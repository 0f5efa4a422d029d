/**
 * The lock.json of a package: what an agent installs with `npm ci`. It is shaped as package-lock.json and
 * says of every npm package of the closure where it lies, for all platforms.
 *
 * Ranges are replaced by the versions that the project has, and peers by plain dependencies: whatever led
 * to these versions (overrides, --legacy-peer-deps, another package manager), npm finds the lock in
 * agreement with itself and installs it as it is. Flags that are about the whole project (`dev`, `peer`)
 * are left out for the same reason, and addresses, because where packages come from is the affair of the
 * machine that installs them.
 */
export interface PackageLock {
  readonly name: 'task';
  readonly lockfileVersion: 3;
  readonly requires: true;
  readonly packages: Readonly<Record<string, object>>;
  /** What nobody can install from this: it is only where the project is. */
  readonly unavailable?: readonly Unavailable[];
}

export interface Unavailable {
  /** `name@version` */
  readonly package: string;
  /** `it is linked from packages/inner` */
  readonly why: string;
}

/** One npm package of a closure. */
export interface ClosureNode {
  /** Where it lies in the project: equal for the same node. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly integrity: string | undefined;
  /** Of a git commit; undefined: it comes from a registry. */
  readonly resolved: string | undefined;
  /** Why it cannot be had elsewhere. */
  readonly unavailable?: string | undefined;
  /** What installing depends on: `os cpu libc bin hasInstallScript inBundle bundleDependencies`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** By the name under which it is imported, which an alias makes another one than its own. */
  readonly dependencies: readonly Edge[];
  /** Its place as npm has laid it out, where npm did. */
  readonly place: string | undefined;
}

export interface Edge {
  readonly name: string;
  readonly to: string;
  readonly optional: boolean;
}

export interface LockedClosure {
  readonly lock: PackageLock;
  /** Where each of the direct ones is installed, by its id. */
  readonly places: ReadonlyMap<string, string>;
}

/** What a task imports itself: `name` is the one under which it is imported. */
export interface DirectDependency {
  readonly name: string;
  readonly id: string;
}

export function packageLock(options: {
  readonly direct: readonly DirectDependency[];
  readonly nodes: ReadonlyMap<string, ClosureNode>;
}): LockedClosure {
  const direct = withDistinctNames(options.direct, options.nodes);
  const asLaidOut = npmLayout(direct, options.nodes);
  const nodes = asLaidOut === undefined ? unbundled(options.nodes) : options.nodes;
  const layout = asLaidOut ?? newLayout(direct, nodes);
  if (layout === undefined) return unnestable(direct, nodes);
  const required = requiredOf(direct, nodes);
  const packages = [...layout].map(([place, id]): [string, object] => {
    const entry = entryOf({ place, node: nodes.get(id)!, nodes, isRequired: required.has(id) });
    return [place, entry];
  });
  const unavailable = [...nodes.values()].flatMap((node) =>
    node.unavailable === undefined ? [] : { package: `${node.name}@${node.version}`, why: node.unavailable },
  );
  const dependencies = Object.fromEntries(
    [...direct].map(([name, id]) => [name, spec(name, nodes.get(id)!)] as const).sort(byKey),
  );
  return {
    lock: {
      name: 'task',
      lockfileVersion: 3,
      requires: true,
      packages: Object.fromEntries([['', { name: 'task', dependencies }], ...packages.sort(byKey)]),
      ...(unavailable.length === 0 ? {} : { unavailable }),
    },
    places: new Map([...direct].map(([name, id]) => [id, `node_modules/${name}`])),
  };
}

/** A circle of packages in several versions, which pnpm's links can express and no tree can. */
function unnestable(
  direct: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, ClosureNode>,
): LockedClosure {
  const unavailable = [...direct.values()].map((id) => ({
    package: `${nodes.get(id)!.name}@${nodes.get(id)!.version}`,
    why: 'what it depends on needs several versions of each other in a circle, which npm cannot install',
  }));
  const lock = {
    name: 'task',
    lockfileVersion: 3,
    requires: true,
    packages: { '': {} },
    unavailable,
  } as const;
  return { lock, places: new Map() };
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Two versions under one name (of two workspaces) cannot lie beside each other: the second gets an alias. */
function withDistinctNames(
  direct: readonly DirectDependency[],
  nodes: ReadonlyMap<string, ClosureNode>,
): ReadonlyMap<string, string> {
  const byName = new Map<string, string>();
  for (const { name, id } of direct) {
    if ([...byName.values()].includes(id)) continue;
    const version = nodes.get(id)!.version.replace(/[^\w.-]/g, '-');
    let free = name;
    for (let count = 1; byName.has(free); count += 1) {
      free = `${name}--${version}${count === 1 ? '' : `-${count}`}`.toLowerCase();
    }
    byName.set(free, id);
  }
  return byName;
}

/** Neither below a workspace nor in a store as pnpm's (`node_modules/.pnpm/…`). */
const NPM_PLACE = /^node_modules\/(?:@[^/]+\/)?[^./@][^/]*(?:\/node_modules\/(?:@[^/]+\/)?[^./@][^/]*)*$/;

/** What lies where, when npm has laid it out with the direct ones at the top. */
function npmLayout(
  direct: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, ClosureNode>,
): ReadonlyMap<string, string> | undefined {
  for (const [name, id] of direct) {
    if (nodes.get(id)!.place !== `node_modules/${name}`) return undefined;
  }
  const layout = new Map<string, string>();
  for (const node of nodes.values()) {
    if (node.place === undefined || !NPM_PLACE.test(node.place)) return undefined;
    layout.set(node.place, node.id);
  }
  return layout;
}

/**
 * Without what packages bundle: it lies within them, wherever they are put. npm must not know of it, since
 * it would look for it in the lock.
 */
function unbundled(nodes: ReadonlyMap<string, ClosureNode>): ReadonlyMap<string, ClosureNode> {
  const isBundled = (id: string): boolean => nodes.get(id)?.facts['inBundle'] === true;
  return new Map(
    [...nodes.values()].map((node) => {
      const { bundleDependencies: _, ...facts } = node.facts;
      const dependencies = node.dependencies.filter((edge) => !isBundled(edge.to));
      return [node.id, { ...node, facts, dependencies }];
    }),
  );
}

/**
 * Lays a closure out anew, as Node's look-up from each package finds what the project's found: at the top
 * where the name is free, else within the package that needs it. Breadth first, so that what is placed
 * later never comes between a package and what it has found already.
 */
function newLayout(
  direct: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, ClosureNode>,
): ReadonlyMap<string, string> | undefined {
  const layout = new Map<string, string>();
  const queue: string[] = [];
  const put = (place: string, id: string): void => {
    layout.set(place, id);
    queue.push(place);
  };
  for (const [name, id] of direct) put(`node_modules/${name}`, id);
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    for (const { name, to } of nodes.get(layout.get(place)!)!.dependencies) {
      const found = lookUp(layout, place, name);
      if (found === undefined) put(`node_modules/${name}`, to);
      else if (layout.get(found) !== to && isWithinItself(layout, place, to)) return undefined;
      else if (layout.get(found) !== to) put(`${place}/node_modules/${name}`, to);
    }
  }
  return layout;
}

/** Versions of packages that need each other in a circle would be nested for ever. */
function isWithinItself(layout: ReadonlyMap<string, string>, place: string, id: string): boolean {
  for (let at = place; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (layout.get(at) === id) return true;
  }
  return false;
}

function lookUp(layout: ReadonlyMap<string, string>, from: string, name: string): string | undefined {
  for (let at = from; ;) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (layout.has(candidate)) return candidate;
    if (at === '') return undefined;
    at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')));
  }
}

/** Those that must be installed: the others may be left out on a platform that they do not support. */
function requiredOf(
  direct: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, ClosureNode>,
): ReadonlySet<string> {
  const required = new Set<string>();
  const queue = [...direct.values()];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (required.has(id)) continue;
    required.add(id);
    for (const edge of nodes.get(id)!.dependencies) if (!edge.optional) queue.push(edge.to);
  }
  return required;
}

function entryOf(options: {
  readonly place: string;
  readonly node: ClosureNode;
  readonly nodes: ReadonlyMap<string, ClosureNode>;
  readonly isRequired: boolean;
}): object {
  const { place, node, nodes, isRequired } = options;
  const specs = (optional: boolean): object => {
    const edges = node.dependencies.filter((edge) => edge.optional === optional);
    const pairs = edges.map(({ name, to }) => [name, spec(name, nodes.get(to)!)] as const);
    return Object.fromEntries(pairs.sort(byKey));
  };
  const isAlias = !place.endsWith(`node_modules/${node.name}`);
  const entry: Record<string, unknown> = {
    ...(isAlias ? { name: node.name } : {}),
    version: node.version,
    ...(node.resolved === undefined ? {} : { resolved: node.resolved }),
    ...(node.integrity === undefined ? {} : { integrity: node.integrity }),
    ...(isRequired ? {} : { optional: true }),
    ...node.facts,
  };
  for (const [key, value] of [
    ['dependencies', specs(false)],
    ['optionalDependencies', specs(true)],
  ] as const) {
    if (Object.keys(value).length > 0) entry[key] = value;
  }
  return entry;
}

/** The version it is; with its own name where it is installed under another one. */
function spec(name: string, node: ClosureNode): string {
  if (node.resolved !== undefined) return node.resolved;
  return name === node.name ? node.version : `npm:${node.name}@${node.version}`;
}
