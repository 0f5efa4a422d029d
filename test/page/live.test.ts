import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openBrowser, startPageServer } from '../rig/browser.js';
import { BINARY, query, runPipeline, startNode } from '../rig/command.js';
import { writeRun } from '../rig/page-runs.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { describePage, pageProject } from './project.js';

const PARTS = 4;
/** A list, a step for each of its elements, which go on part by part, and one that takes them all. */
const pipelineOf = (elements: number): string => `
import { Pipeline, Step, each } from 'run-pipeline';
import { appears } from './trace.js';
@Pipeline({ name: 'slow', project: 'live' })
export class Slow {
  @Step({ returns: ['list'] })
  list(): number[] {
    console.log('first line');
    return Array.from({ length: ${elements} }, (_, index) => index);
  }
  @Step({ inputs: [each('$<list.list>')], returns: ['value'] })
  async score(index: number): Promise<number> {
    await appears('go-' + Math.floor(index / ${elements / PARTS}));
    return index;
  }
  @Step({ inputs: ['$<score.value>'] })
  async best(values: number[]): Promise<number> {
    console.log('waiting for the end');
    await appears('end');
    console.log('\\u001B[31mred\\u001B[0m end');
    return Math.max(...values);
  }
}
`;

async function begin(directory: Scratch) {
  const child = startNode([BINARY, 'slow.ts', '--output', 'quiet', '--concurrency', '4'], {
    cwd: directory.directory,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  for (;;) {
    const runs = await query<readonly { readonly id: string; readonly status: string }[]>(['runs'], {
      cwd: directory.directory,
    });
    const run = runs.find(({ status }) => status === 'running');
    if (run !== undefined) return { child, ended, run: run.id };
  }
}

const PIPELINE = pipelineOf(40);

describePage('a run that goes on', () => {
  test('is watched as it goes, in the graph, in the console, and in the list', async () => {
    const directory = scratch({ 'slow.ts': PIPELINE, ...TRACE });
    const server = await startPageServer({ cwd: directory.directory });
    onTestFinished(server.kill);
    const { run, ended } = await begin(directory);
    const { page, context, complaints } = await openBrowser(server);
    const list = await context.newPage();
    await list.goto(`${server.address}/`);
    await list.getByRole('row', { name: /running/ }).waitFor();
    await page.goto(`${server.address}/runs/${run}?step=best&tab=console`);
    await page.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    writeFileSync(directory.path('go-0'), '');
    await page.getByRole('button', { name: /^score ×40 running · 10 of 40/ }).waitFor();
    for (const part of [1, 2, 3]) writeFileSync(directory.path(`go-${part}`), '');
    await page.getByRole('button', { name: /^score ×40 completed/ }).waitFor();
    await page.getByRole('log').getByText('waiting for the end').waitFor();
    writeFileSync(directory.path('end'), '');
    await page.getByRole('log').getByText('red').waitFor();
    expect(await ended).toBe(0);
    await page.getByRole('button', { name: /^best completed/ }).waitFor();
    await list.getByRole('row', { name: /completed/ }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('of a thousand steps is watched as it goes, in every view', { timeout: 240_000 }, async () => {
    const directory = scratch({ 'slow.ts': pipelineOf(1000), ...TRACE });
    const server = await startPageServer({ cwd: directory.directory });
    onTestFinished(server.kill);
    const { run, ended } = await begin(directory);
    const { page, context, complaints } = await openBrowser(server);
    const views = ['graph', 'timeline', 'table'] as const;
    const [graph, timeline, table] = await Promise.all(
      views.map(async (view) => {
        const tab = view === 'graph' ? page : await context.newPage();
        tab.setDefaultTimeout(120_000);
        await tab.goto(`${server.address}/runs/${run}?view=${view}`);
        return tab;
      }),
    );
    const card = (words: string) => graph!.getByRole('button', { name: `score ×1,000 ${words}` });
    for (let part = 0; part < PARTS; part++) {
      // What the parts before this one were is told, and no more.
      await card(part === 0 ? 'running · 0 of 1,000' : `running · ${part * 250} of 1,000`).waitFor();
      writeFileSync(directory.path(`go-${part}`), '');
    }
    await card('completed · 1,000 of 1,000').waitFor();
    await timeline!
      .getByRole('button', { name: /^score\[\d+\], completed/ })
      .first()
      .waitFor();
    await timeline!.getByRole('button', { name: /^1,002 completed/ }).waitFor();
    await table!.getByRole('row', { name: /completed score\[1\]/ }).waitFor();
    writeFileSync(directory.path('end'), '');
    expect(await ended).toBe(0);
    for (const tab of [graph!, timeline!, table!])
      await tab.getByRole('button', { name: /^1,003 completed/ }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('goes on when the server is killed; the page says so and misses nothing', async () => {
    const directory = scratch({ 'slow.ts': PIPELINE, ...TRACE });
    const first = await startPageServer({ cwd: directory.directory });
    const { run, ended } = await begin(directory);
    const { page } = await openBrowser(first);
    await page.goto(`${first.address}/runs/${run}`);
    await page.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    await first.kill();
    await page.getByText('The server is gone.').waitFor();
    for (const part of [0, 1, 2, 3]) writeFileSync(directory.path(`go-${part}`), '');
    const second = await startPageServer({
      cwd: directory.directory,
      port: Number(new URL(first.address).port),
    });
    onTestFinished(second.kill);
    await page.getByRole('button', { name: /^score ×40 completed/ }).waitFor();
    await page.getByText('The server is gone.').waitFor({ state: 'detached' });
    writeFileSync(directory.path('end'), '');
    expect(await ended).toBe(0);
    await page.getByRole('button', { name: /^best completed/ }).waitFor();
  });

  test('whose process dies is shown as lost, with the command that resumes it', async () => {
    const directory = scratch({ 'slow.ts': PIPELINE, ...TRACE });
    const environment = { RUN_PIPELINE_LEASE_MS: '1000' };
    const server = await startPageServer({ cwd: directory.directory, env: environment });
    onTestFinished(server.kill);
    const { run, child } = await begin(directory);
    const { page } = await openBrowser(server);
    await page.goto(`${server.address}/runs/${run}`);
    await page.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    child.kill('SIGKILL');
    await page.getByText('The process of this run is gone.').waitFor({ timeout: 30_000 });
    expect(await page.getByText(`resume ${run}`).first().isVisible()).toBe(true);
    await page.goto(`${server.address}/?q=status%3Alost`);
    await page.getByRole('link', { name: 'slow #1' }).waitFor();
    rmSync(directory.path('end'), { force: true });
  });

  test('is watched in eight tabs at once: they share one stream, since a browser opens six connections', async () => {
    const directory = scratch({ 'slow.ts': PIPELINE, ...TRACE });
    const server = await startPageServer({ cwd: directory.directory });
    onTestFinished(server.kill);
    const { run, ended } = await begin(directory);
    const { context } = await openBrowser(server);
    const tabs = await Promise.all(Array.from({ length: 8 }, () => context.newPage()));
    for (const tab of tabs) await tab.goto(`${server.address}/runs/${run}`);
    for (const tab of tabs) await tab.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    for (const part of [0, 1, 2, 3]) writeFileSync(directory.path(`go-${part}`), '');
    for (const tab of tabs) await tab.getByRole('button', { name: /^score ×40 completed/ }).waitFor();
    // A tab that goes takes nothing from the others.
    for (const tab of tabs.slice(0, 7)) await tab.close();
    writeFileSync(directory.path('end'), '');
    expect(await ended).toBe(0);
    await tabs[7]!.getByRole('button', { name: /^best completed/ }).waitFor();
  });

  test('is aborted from the page, after a question', async () => {
    const directory = scratch({ 'slow.ts': PIPELINE, ...TRACE });
    const server = await startPageServer({ cwd: directory.directory });
    onTestFinished(server.kill);
    const { run, ended } = await begin(directory);
    const { page } = await openBrowser(server);
    await page.goto(`${server.address}/runs/${run}`);
    await page.getByRole('button', { name: 'Abort' }).click();
    await page
      .getByRole('dialog', { name: 'Abort this run?' })
      .getByRole('button', { name: 'Abort' })
      .click();
    expect(await ended).not.toBe(0);
    await page.getByText('aborted').first().waitFor();
  });
});

const SCRIPT = `
import { existsSync } from 'node:fs';
import { Task } from 'run-pipeline';
await Task.init({ project: 'live', name: 'talks' });
for (const word of ['one', 'two', 'three']) {
  console.log('the word is ' + word);
  while (!existsSync('after-' + word)) await new Promise((again) => setTimeout(again, 20));
}
`;

describePage('a task that goes on', () => {
  test('its console is live, and stays when it has ended', async () => {
    const directory = scratch({ 'talks.ts': SCRIPT });
    const server = await startPageServer({ cwd: directory.directory });
    onTestFinished(server.kill);
    const child = startNode([BINARY, 'task', 'run', 'talks.ts', '--project', 'live', '--name', 'talks'], {
      cwd: directory.directory,
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    const { page, complaints } = await openBrowser(server);
    await page.goto(`${server.address}/tasks`);
    await page.getByRole('link', { name: 'talks' }).click();
    await page.getByRole('tab', { name: 'Console' }).click();
    const log = page.getByRole('log');
    for (const word of ['one', 'two', 'three']) {
      await log.getByText(`the word is ${word}`).waitFor();
      writeFileSync(directory.path(`after-${word}`), '');
    }
    expect(await ended).toBe(0);
    await page.getByText('completed').first().waitFor();
    await page.getByText('3 lines').waitFor();
    expect(await log.getByText(/the word is/).count()).toBe(3);
    expect(complaints).toEqual([]);
  });
});

describePage('a result that another pipeline made', () => {
  const project = pageProject({
    files: {},
    runs: [],
    written: async (store) => {
      const first = await writeRun(store, {
        pipeline: 'first',
        steps: [{ name: 'load' }],
        status: 'completed',
      });
      await writeRun(store, {
        pipeline: 'second',
        steps: [{ name: 'load', status: 'cached', cachedFrom: first }],
        status: 'completed',
      });
    },
  });

  test('is told by the name of that run, in the page and in a report', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(`${project.server.address}/runs/${project.run('second#1')}`);
    await page.getByRole('link', { name: 'load: the run it was taken from, first #1' }).waitFor();
    expect(complaints).toEqual([]);
    const { directory } = project;
    const path = join(directory, 'report.html');
    await runPipeline(['report', project.run('second#1'), '-o', path], { cwd: directory });
    await page.goto(pathToFileURL(path).href);
    await page.getByRole('link', { name: /load cached · from first #1/ }).waitFor();
  });
});
