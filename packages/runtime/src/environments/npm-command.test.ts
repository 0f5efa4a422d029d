import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { npmEnvironment } from './npm-command.js';
import { redact } from './npm-failure.js';

test('npm gets what it needs to run and to reach its registry, and nothing of tasks', () => {
  const kept = {
    PATH: '/bin',
    HOME: '/home/a',
    https_proxy: 'http://proxy.invalid',
    NODE_EXTRA_CA_CERTS: '/ca.pem',
    npm_config_registry: 'https://registry.invalid',
    'npm_config_@own:registry': 'https://own.invalid',
    NPM_CONFIG_STRICT_SSL: 'false',
    npm_config_fetch_retries: '1',
  };
  const dropped = {
    DATABASE_URL: 'postgres://…',
    AWS_SECRET_ACCESS_KEY: 'x',
    NODE_OPTIONS: '--require ./hook.js',
    npm_config_ignore_scripts: 'false',
    npm_config_global: 'true',
    npm_config_omit: 'dev',
    npm_config_workspace: 'a',
    npm_lifecycle_event: 'start',
  };
  expect(npmEnvironment({ ...kept, ...dropped, EMPTY: undefined }, { withAuth: true })).toEqual(kept);
});

test('variables that npmrc names go to npm, and not to code of packages', async () => {
  const home = await mkdtemp(join(tmpdir(), 'run-pipeline-npmrc-'));
  await writeFile(
    join(home, '.npmrc'),
    '//registry.invalid/:_authToken=${REGISTRY_TOKEN}\n//other.invalid/:_auth=${OTHER?}\n',
  );
  const env = {
    HOME: home,
    REGISTRY_TOKEN: 'a',
    OTHER: 'b',
    'npm_config_//registry.invalid/:_authToken': 'c',
    npm_config__auth: 'd',
  };
  expect(npmEnvironment(env, { withAuth: true })).toEqual(env);
  expect(npmEnvironment(env, { withAuth: false })).toEqual({ HOME: home });
  await rm(home, { recursive: true });
});

test.each([
  ['GET https://user:pass@registry.invalid/a', 'GET https://registry.invalid/a'],
  ['//registry.invalid/:_authToken=abc', '//registry.invalid/:_authToken=***'],
  ['authorization: Bearer abc.def-1', 'authorization: Bearer ***'],
  [`token npm_${'a'.repeat(36)} expired`, 'token *** expired'],
  ['said by secretvalue here', 'said by *** here'],
  [
    'npm error 404 Not Found - GET https://registry.invalid/@a%2fb',
    'npm error 404 Not Found - GET https://registry.invalid/@a%2fb',
  ],
])('credentials are taken out: %s', (text, clean) => {
  expect(redact(text, ['secretvalue', 'abc'])).toBe(clean);
});
