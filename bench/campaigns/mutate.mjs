// Edits a ten-step pipeline at random and compares every decision of the cache with the truth.
//
//   npm run bench:mutate -- --count 500 --seed 1 [--writing class|controller] [--verbose]
//
// Exit code 1 when a hit or a result was wrong.
import { parseArgs } from 'node:util';
import { tsImport } from 'tsx/esm/api';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    writing: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const { campaign } = await tsImport('../../test/mutation/campaign.ts', import.meta.url);

const seed = Number(values.seed);
const writings = values.writing === undefined ? ['class', 'controller'] : [values.writing];
const counts = writings.map((_, index) => Math.floor((Number(values.count) + index) / writings.length));
const started = Date.now();
const summaries = await Promise.all(
  writings.map((writing, index) =>
    campaign({
      seed: seed + index,
      count: counts[index],
      writing,
      onEdit: (outcome) => progress(writing, outcome),
    }),
  ),
);
process.stderr.write('\n');
report();

function progress(writing, { number, edits, executed, comparison }) {
  if (values.verbose) {
    const { wrongHits, wrongResults, refused, unfounded } = comparison;
    const odd = [
      ...wrongHits.map((name) => `WRONG HIT ${name}`),
      ...wrongResults.map((name) => `WRONG RESULT ${name}`),
      ...(refused === undefined ? [] : ['refused']),
      ...(unfounded === undefined ? [] : ['UNFOUNDED']),
    ];
    console.error(`${writing} ${number} ${edits.join('; ')} -> ${[...executed, ...odd].join(', ')}`);
  } else if (number % 25 === 0) {
    process.stderr.write(`${writing} ${number}… `);
  }
}

function report() {
  const sum = (key) => summaries.reduce((total, summary) => total + summary[key], 0);
  const all = (key) => summaries.flatMap((summary) => summary[key]);
  const line = (title, value) => console.log(`${title.padEnd(46)}${value}`);
  const list = (title, key) => {
    line(title, all(key).length);
    for (const each of all(key)) console.log(`    ${each.replaceAll('\n', '\n      ')}`);
  };
  const decisions = sum('hits') + sum('executions');
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  line('edits', `${sum('edits')} (seed ${seed}, ${seconds} s)`);
  line('decisions', `${decisions}: ${sum('hits')} hits, ${sum('executions')} executions`);
  list('wrong hits', 'wrongHits');
  list('wrong results', 'wrongResults');
  list('runs of files that cannot be executed', 'unfounded');
  list('runs refused though the file can be executed', 'refused');
  list('edits that needlessly re-ran a step', 'needless');
  const share = ((100 * sum('sameAgain')) / Math.max(1, decisions)).toFixed(1);
  line('executions with the same result as before', `${sum('sameAgain')} (${share} % of decisions)`);
  line('edits that broke the file', sum('broken'));
  const isWrong = all('wrongHits').length + all('wrongResults').length + all('unfounded').length > 0;
  process.exitCode = isWrong ? 1 : 0;
}
