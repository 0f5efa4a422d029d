// The pictures of the web page in docs/images, taken in Chromium over runs of the examples:
//
//   node scripts/page-pictures.mjs
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binary = join(root, 'packages/runtime/bin/run-pipeline.js');
const images = join(root, 'docs/images');
const scratch = mkdtempSync(join(tmpdir(), 'run-pipeline-pictures-'));
/** Its name stands in the page. */
const place = join(scratch, 'my-project');
mkdirSync(place);

// A project of its own, with the examples and the pipeline that the page's tests look at.
for (const name of ['examples', 'package.json'])
  cpSync(join(root, name), join(place, name), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
cpSync(join(root, 'test/page/pipelines/mixed.ts'), join(place, 'train.ts'));
symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
mkdirSync(join(place, '.run-pipeline'));

const run = (...args) => {
  const { stdout } = spawnSync(process.execPath, [binary, ...args], {
    cwd: place,
    encoding: 'utf8',
    env: { ...process.env, RUN_PIPELINE_HOME: join(place, '.run-pipeline') },
  });
  return stdout;
};
const quiet = ['--output', 'quiet'];
run('examples/iris-functions.ts', ...quiet);
run('examples/movies-report.ts', ...quiet);
run('examples/iris-decorators.ts', ...quiet);
run('examples/iris-decorators.ts', '--param', 'testSize=0.3', ...quiet);
run('examples/iris-decorators.ts', '--param', 'testSize=0.3', ...quiet);
run('train.ts', '--param', 'broken=false', ...quiet);
run('train.ts', '--param', 'lr=0.02', ...quiet);
run('examples/iris-scoring.ts', ...quiet);
const ids = Object.fromEntries(
  JSON.parse(run('runs', '--json')).map(({ id, pipeline, number }) => [`${pipeline}#${number}`, id]),
);

/** Name, address, light or dark, width. */
const PICTURES = [
  ['page-runs', '/', 'light'],
  ['page-failure', `/runs/${ids['mixed#2']}`, 'light'],
  ['page-step', `/runs/${ids['mixed#2']}?step=train%5B0%5D&tab=plots`, 'dark'],
  ['page-why', `/runs/${ids['iris#2']}?step=step_two&tab=why`, 'light'],
  ['page-timeline', `/runs/${ids['iris-scoring#1']}?view=timeline`, 'dark'],
  ['page-compare', `/compare?runs=${ids['mixed#1']},${ids['mixed#2']}`, 'light'],
];

const server = spawn(process.execPath, [binary, 'ui', '--json'], {
  cwd: place,
  env: { ...process.env, RUN_PIPELINE_HOME: join(place, '.run-pipeline') },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const link = await new Promise((done) => {
  let text = '';
  server.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
    const url = /"url":\s*"([^"]+)"/.exec(text)?.[1];
    if (url !== undefined) done(url);
  });
});
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
});
try {
  for (const [name, path, colorScheme] of PICTURES) {
    const context = await browser.newContext({
      colorScheme,
      reducedMotion: 'reduce',
      viewport: { width: 1280, height: 720 },
    });
    const page = await context.newPage();
    await page.goto(link);
    await page.goto(new URL(path, link).href);
    await page.locator('h1').waitFor();
    await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined);
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(images, `${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
  server.kill('SIGTERM');
  await new Promise((done) => server.once('exit', done));
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}
