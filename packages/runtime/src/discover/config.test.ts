import { expect, test } from 'vitest';
import { loadConfig, type ConfigValues } from '../project/config.js';
import { evaluateModule } from './load.js';
import { builtFramework, scratchProject } from './scratch-project.test-support.js';

function load(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<ConfigValues> {
  const { paths } = scratchProject(files);
  return loadConfig({
    paths,
    env,
    evaluate: (file) => evaluateModule({ paths, file, framework: builtFramework() }),
  });
}

test('without a config file there are no settings, and nothing is evaluated', async () => {
  const { paths } = scratchProject({});
  const evaluate = () => Promise.reject(new Error('not expected'));
  expect(await loadConfig({ paths, env: {}, evaluate })).toEqual({});
});

test('the default export of run-pipeline.config.ts is read; the environment wins', async () => {
  const files = {
    'run-pipeline.config.ts': `const concurrency: number = 3;\nexport default { concurrency, store: 'a.db', blobs: 'blobs' };`,
  };
  expect(await load(files, { RUN_PIPELINE_STORE: 'b.db', RUN_PIPELINE_BLOBS: '' })).toEqual({
    concurrency: 3,
    store: {
      name: 'store',
      text: 'b.db',
      origin: { kind: 'environment', variable: 'RUN_PIPELINE_STORE' },
    },
    blobs: {
      name: 'blobs',
      text: 'blobs',
      origin: { kind: 'file', file: expect.stringMatching(/run-pipeline\.config\.ts$/) },
    },
  });
});

test('a CommonJS config file works', async () => {
  expect(await load({ 'run-pipeline.config.cjs': 'module.exports = { concurrency: 2 };' })).toEqual({
    concurrency: 2,
  });
});

test.each([
  ['export const x = 1;', /no default export/],
  ['export default { stor: "x" };', /no setting `stor` \(did you mean "store"\?\)/],
  ['export default { concurrency: 0 };', /`concurrency` must be a whole number/],
  ['export default { store: 5 };', /`store` must be a text/],
])('a config file %j is an error that says what is wrong', async (source, message) => {
  await expect(load({ 'run-pipeline.config.ts': source })).rejects.toThrow(message);
});

test.each([
  'postgres://app:hidden@db.local/runs',
  'postgres://db.local/runs?user=app&password=hidden',
  'redis://:hidden@127.0.0.1',
])('a config file with a password in %s is refused, and the error does not repeat it', async (url) => {
  const error: Error = await load({
    'run-pipeline.config.ts': `export default { ${url.startsWith('redis') ? 'queue' : 'store'}: '${url}' };`,
  }).then(
    () => expect.unreachable(),
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ kind: 'usage', code: 'password-in-config' });
  expect(error.message).toContain('***');
  expect(`${error.message} ${error.stack}`).not.toContain('hidden');
});

test('the same address from the environment is taken', async () => {
  const url = 'redis://:hidden@127.0.0.1';
  expect((await load({}, { RUN_PIPELINE_QUEUE: url })).queue?.text).toBe(url);
});

test('evaluating a config leaves the program arguments and the run host alone', async () => {
  const argv = [...process.argv];
  await load({ 'run-pipeline.config.ts': 'export default {};' });
  expect(process.argv).toEqual(argv);
});
