import { openSqliteStore } from '../../../packages/runtime/src/store/index.js';
import { doJob, type ChildJob } from './child-job.js';

const [file, job] = process.argv.slice(2);
const store = await openSqliteStore({ file: file! });
await doJob(store, JSON.parse(job!) as ChildJob);
await store.close();
