// `npm run bench`: the budgets of the design, each measured in this run and set beside something it can
// be compared with. Prints a table; exits 1 when a budget is missed, so that it can guard a release.
//
//   npm run bench            all rows
//   npm run bench -- cached  rows whose name contains the word
import { agent } from './rows/agent.mjs';
import { node } from './rows/node.mjs';
import { cachedRuns } from './rows/cached-runs.mjs';
import { coldRuns } from './rows/cold-runs.mjs';
import { overhead } from './rows/overhead.mjs';
import { values } from './rows/values.mjs';
import { graph } from './rows/graph.mjs';
import { queues } from './rows/queues.mjs';
import { fleet } from './rows/fleet.mjs';
import { peers } from './rows/peers.mjs';

const wanted = process.argv.slice(2);
const rows = [];
const floor = await node();
console.log(
  `node ${process.version} on ${process.platform}; an empty node process takes ${floor.toFixed(0)} ms here\n`,
);

for (const group of [cachedRuns, coldRuns, overhead, queues, values, graph, agent, fleet, peers]) {
  for await (const row of group({
    floor,
    wanted: (name) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  })) {
    rows.push(row);
    console.log(line(row));
  }
}
const missed = rows.filter((row) => row.budget !== undefined && row.measured > row.budget);
console.log(
  `\n${rows.length} rows, ${missed.length} over budget${missed.length === 0 ? '' : `: ${missed.map((row) => row.name).join(', ')}`}`,
);
process.exitCode = missed.length === 0 ? 0 : 1;

function line({ name, measured, unit, budget, compared }) {
  const number = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
  const verdict = budget === undefined ? '  ' : measured <= budget ? 'ok' : 'NO';
  const limit = budget === undefined ? '' : `of ${number(budget)} ${unit}`;
  return `${verdict} ${name.padEnd(52)} ${`${number(measured)} ${unit}`.padStart(12)} ${limit.padEnd(14)} ${compared ?? ''}`;
}
