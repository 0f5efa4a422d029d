import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const rooms = ['model', 'references', 'graph', 'define', 'run-view', 'ports', 'wire'];

/** What takes longest, first: begun last it would go on alone. */
const LONGEST = ['fleet/faults', 'crash/crash', 'page/live', 'fleet/same', 'page/screens', 'crash/agents'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Pure and unit tests import the sources; end-to-end tests run the built command line.
export default defineConfig({
  resolve: {
    alias: [
      ...rooms.map((room) => ({
        find: `@run-pipeline/core/${room}`,
        replacement: source(`./packages/core/src/${room}/index.ts`),
      })),
      { find: /^@run-pipeline\/core$/, replacement: source('./packages/core/src/index.ts') },
      { find: /^run-pipeline$/, replacement: source('./packages/runtime/src/index.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    // `npm test` tells its name to what it starts; what is tested was started by a user's shell.
    env: { npm_config_user_agent: '' },
    // Tests wait for processes of their own: with one worker a core the cores would be idle for a quarter of the time.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // What a user's file was turned into is imported by Node itself, as it is outside of tests.
    server: { deps: { external: [/[\\/]\.run-pipeline[\\/]/] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['packages/{core,ui}/src/**/*.test.ts'],
          // They change nothing of their process: no file needs one of its own.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'packages/runtime/src/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/conformance/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: [
            'test/e2e/**/*.test.ts',
            'test/docs/**/*.test.ts',
            'test/crash/**/*.test.ts',
            'test/hostile/**/*.test.ts',
            'test/mutation/**/*.test.ts',
            'test/install/**/*.test.ts',
            'test/server/**/*.test.ts',
            'test/page/**/*.test.ts',
            'test/fleet/**/*.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
