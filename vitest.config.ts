import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const rooms = ['model', 'references', 'graph', 'define', 'run-view', 'ports', 'wire'];

// Unit tests import the sources; end-to-end tests run the built command line.
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
    // Most tests wait for processes of their own: one worker would leave a core idle.
    maxWorkers: 2,
    // What a user's file was turned into is imported by Node itself, as it is outside of tests.
    server: { deps: { external: [/[\\/]\.run-pipeline[\\/]/] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/conformance/**/*.test.ts'],
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
