import { openPostgresStore } from '../../../packages/runtime/src/store/postgres/index.js';
import { doJob, type ChildJob } from './child-job.js';

const [url, job] = process.argv.slice(2);
const store = await openPostgresStore({ url: url!, env: {} });
await doJob(store, JSON.parse(job!) as ChildJob);
await store.close();
