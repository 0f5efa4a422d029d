import { openBullQueue } from '../../../packages/runtime/src/queue/bull/index.js';
import { openSqliteStore } from '../../../packages/runtime/src/store/index.js';

// Takes one job (with `refill` also one that was never pushed), says which, and does nothing about it until it is killed.
const [file, url, refill] = process.argv.slice(2);
const store = await openSqliteStore({ file: file! });
const queue = await openBullQueue({ url: url!, env: process.env, store });
if (refill === 'refill') await queue.refill('default');
const job = await queue.take({ queues: ['default'], order: 'given', signal: new AbortController().signal });
process.stdout.write(`${job?.task}\n`);
setInterval(() => {}, 60_000);
