import { describe } from 'vitest';
import { attemptTests } from './store/attempts.js';
import { cacheTests } from './store/cache.js';
import { churnTests } from './store/churning.js';
import { collectTests } from './store/collect.js';
import { commitTests } from './store/commits.js';
import { controllerTests } from './store/controllers.js';
import type { StoreFactory } from './store/harness.js';
import { limitTests } from './store/limits.js';
import { processTests } from './store/processes.js';
import { queueTests } from './store/queues.js';
import { recordTests } from './store/records.js';
import { runTests } from './store/runs.js';
import { taskTests } from './store/tasks.js';
import { watchTests } from './store/watching.js';

export type { StoreFactory, StoreUnderTest } from './store/harness.js';

/** What every implementation of the `Store` port has to keep. `factory` makes an empty store a test. */
export function storeConformance(name: string, factory: StoreFactory): void {
  describe(`${name}: runs`, () => runTests(factory));
  describe(`${name}: commits`, () => commitTests(factory));
  describe(`${name}: tasks and claims`, () => taskTests(factory));
  describe(`${name}: records of tasks`, () => recordTests(factory));
  describe(`${name}: queues and agents`, () => queueTests(factory));
  describe(`${name}: limits and resources`, () => limitTests(factory));
  describe(`${name}: watching`, () => watchTests(factory));
  describe(`${name}: attempts`, () => attemptTests(factory));
  describe(`${name}: runs and their controllers`, () => controllerTests(factory));
  describe(`${name}: cache and preimages`, () => cacheTests(factory));
  describe(`${name}: garbage collection`, () => collectTests(factory));
  describe(`${name}: everything at once`, () => churnTests(factory));
  describe(`${name}: several processes`, () => processTests(factory));
}
