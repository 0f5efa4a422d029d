// Which room may import which (docs/architecture.md). Reads import and export specifiers of every
// source file, so it holds for types too. Tests may import what they need.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const core = ['model', 'references', 'graph', 'define', 'run-view', 'ports', 'wire'];

const pageParts = ['design', 'address', 'keyboard', 'data', 'query'];

/** Room -> rooms of the same package it may import. `.` is a file at the top of `src`. */
const allowed = {
  core: {
    model: [],
    references: ['model', 'define'],
    graph: ['model', 'references', 'define'],
    define: ['model', 'references', 'run-view'],
    'run-view': ['model'],
    ports: ['model'],
    wire: ['model', 'ports', 'run-view'],
    '.': core,
  },
  runtime: {
    source: [],
    project: ['source', 'signing'],
    discover: ['project', 'source'],
    package: ['project', 'source', 'signing'],
    fingerprint: [],
    artifacts: [],
    store: [],
    task: [],
    tasks: ['project', 'source', 'task', 'artifacts', 'queue'],
    s3: ['project', 'artifacts'],
    storage: ['project', 'artifacts', 'task', 's3'],
    queue: ['store'],
    signing: [],
    doctor: ['project', 'store', 'queue', 's3'],
    environments: ['project', 'package'],
    agent: [
      'source',
      'project',
      'discover',
      'package',
      'fingerprint',
      'artifacts',
      'store',
      'workers',
      'task',
      'tasks',
      'queue',
      'environments',
      'engine',
      'signing',
    ],
    workers: ['artifacts', 'source', 'task', 'tasks', 'project'],
    engine: [
      'source',
      'project',
      'discover',
      'package',
      'fingerprint',
      'artifacts',
      'store',
      'workers',
      'task',
      'tasks',
      'queue',
      'environments',
      'storage',
      's3',
      'signing',
    ],
    terminal: ['source', 'project'],
    library: [
      'source',
      'project',
      'discover',
      'package',
      'artifacts',
      'task',
      'tasks',
      'storage',
      'engine',
      'terminal',
    ],
    cli: [
      'source',
      'project',
      'discover',
      'package',
      'fingerprint',
      'artifacts',
      'store',
      'workers',
      'engine',
      'agent',
      'server',
      'queue',
      'tasks',
      'storage',
      'environments',
      'terminal',
      'library',
      'signing',
      'doctor',
    ],
    server: [
      'source',
      'task',
      'tasks',
      'project',
      'discover',
      'package',
      'fingerprint',
      'artifacts',
      'store',
      'workers',
      'queue',
      'engine',
      'terminal',
    ],
    '.': ['discover', 'artifacts', 'task', 'tasks', 'storage', 'library', 'project', 'engine'],
  },
  // The page. `design`, `address`, `keyboard`, `data` are what screens are made of; screens do not meet,
  // except where one stands inside of another.
  ui: {
    design: [],
    address: [],
    keyboard: ['design'],
    data: ['design'],
    query: ['design', 'keyboard'],
    'run-counts': ['design', 'query'],
    runs: pageParts,
    graph: pageParts,
    timeline: pageParts,
    table: pageParts,
    'step-tab': pageParts,
    artifacts: [...pageParts, 'step-tab'],
    console: [...pageParts, 'step-tab'],
    plots: [...pageParts, 'step-tab', 'artifacts'],
    step: [...pageParts, 'step-tab', 'run-counts', 'graph', 'artifacts', 'console', 'plots'],
    run: [...pageParts, 'run-counts', 'graph', 'timeline', 'table', 'step'],
    compare: [...pageParts, 'graph', 'step', 'plots', 'artifacts'],
    rerun: pageParts,
    tasks: [...pageParts, 'artifacts', 'console', 'plots'],
    queues: pageParts,
    // A page of its own, which has neither addresses nor a server.
    report: ['design', 'graph', 'timeline', 'step', 'console', 'plots'],
    app: [...pageParts, 'runs', 'run', 'compare', 'rerun', 'tasks', 'queues'],
    '.': ['app', 'design'],
  },
};
/** Every room may use these files at the top of `src`. */
const shared = new Set(['crash-points', 'tls-files']);
/** The page knows the server by its words alone. */
const seenByPage = /^@run-pipeline\/core\/(?:model|graph|run-view|wire)$/;

const problems = [];
for (const name of Object.keys(allowed)) check(name);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else {
  console.log('rooms: every import is allowed');
}

function check(packageName) {
  const source = join(root, 'packages', packageName, 'src');
  for (const file of readdirSync(source, { recursive: true })) {
    if (
      !/\.tsx?$/.test(file) ||
      file.endsWith('.d.ts') ||
      /\.test(-d)?\.ts$|\.fixture\.ts$|test-support|testing\//.test(file)
    )
      continue;
    const path = join(source, file);
    const room = roomOf(source, path);
    const rules = allowed[packageName][room];
    if (rules === undefined) {
      problems.push(`${relative(root, path)}: room "${room}" is not in scripts/check-rooms.mjs`);
      continue;
    }
    for (const specifier of importsOf(readFileSync(path, 'utf8'))) {
      if (packageName === 'core' && specifier.startsWith('node:')) {
        problems.push(`${relative(root, path)}: core knows nothing of Node, but imports ${specifier}`);
      }
      if (
        packageName === 'ui' &&
        /^(?:node:|run-pipeline|@run-pipeline\/)/.test(specifier) &&
        !seenByPage.test(specifier)
      ) {
        problems.push(`${relative(root, path)}: the page may not import ${specifier}`);
      }
      if (!specifier.startsWith('.') || specifier.endsWith('.css')) continue;
      const target = resolve(dirname(path), specifier);
      const other = roomOf(source, target);
      if (other === room || rules.includes(other)) continue;
      if (other === '.' && shared.has(relative(source, target).replace(/\.js$/, ''))) continue;
      problems.push(`${relative(root, path)}: ${room} may not import ${other} (${specifier})`);
    }
  }
}

function roomOf(source, path) {
  const [first, ...rest] = relative(source, path).split('/');
  return rest.length === 0 ? '.' : first;
}

function importsOf(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...code.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}
