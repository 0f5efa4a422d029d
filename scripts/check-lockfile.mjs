// What `npm ci` asks of package-lock.json, checked without a network:
//
// - it belongs to the package.json files (name and range of every dependency are the same in both);
// - every optional package of every platform is listed, with its integrity: npm leaves out what the
//   registry did not answer for (a version published a minute ago), and `npm ci` then refuses;
// - nothing is tied to one registry: `resolved` is for workspace links alone.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
const problems = [];

for (const [path, entry] of Object.entries(packages)) {
  if (entry.link === true) continue;
  if (!path.includes('node_modules/')) {
    checkWorkspace(path, entry);
  } else {
    if (entry.resolved !== undefined) problems.push(`${path}: has a "resolved" URL`);
    if (entry.integrity === undefined) problems.push(`${path}: has no integrity`);
  }
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!isListed(path, name)) problems.push(`${path}: its optional package ${name} is not listed`);
  }
}

if (problems.length > 0) {
  console.error(`package-lock.json\n  ${problems.join('\n  ')}`);
  console.error('Take a version whose packages the registry has, then npm install --package-lock-only.');
  process.exitCode = 1;
} else {
  console.log('lockfile: complete');
}

function checkWorkspace(path, entry) {
  const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  for (const kind of kinds) {
    const [wanted, locked] = [sorted(manifest[kind]), sorted(entry[kind])];
    if (wanted !== locked) problems.push(`${path === '' ? '.' : path}: ${kind} ${locked}, not ${wanted}`);
  }
}

function sorted(ranges = {}) {
  return JSON.stringify(Object.fromEntries(Object.entries(ranges).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/** Whether `name` is found from `path` as Node would look: in its own node_modules and in those above. */
function isListed(path, name) {
  for (let directory = path; ; directory = dirname(directory)) {
    if (directory === '.') directory = '';
    if (packages[join(directory, 'node_modules', name)] !== undefined) return true;
    if (directory === '') return false;
  }
}
