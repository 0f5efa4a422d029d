import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openBrowser, startPageServer } from '../rig/browser.js';
import type { RunEvent } from '@run-pipeline/core/model';
import { BINARY, runPipeline, startNode } from '../rig/command.js';
import { JsonProcess } from '../rig/json-process.js';
import { writeRun } from '../rig/page-runs.js';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { describePage, pageProject } from './project.js';

const PARTS = 4;
/** A list, a step for each of its elements, which go on part by part, and one that takes them all. */
const PIPELINE = `
import { Parameter, Pipeline, Step, each } from 'run-pipeline';
import { appears } from './trace.js';
@Pipeline({ name: 'slow', project: 'live' })
export class Slow {
  @Parameter() elements = 40;
  /** A directory: what appears there lets them go on. */
  @Parameter() gates = '.';
  @Step({ inputs: ['$<pipeline.elements>'], returns: ['list'] })
  list(elements: number): number[] {
    console.log('first line');
    return Array.from({ length: elements }, (_, index) => index);
  }
  @Step({ inputs: [each('$<list.list>')], returns: ['value'] })
  async score(index: number): Promise<number> {
    await appears(this.gates + '/go-' + Math.floor((index * ${PARTS}) / this.elements));
    return index;
  }
  @Step({ inputs: ['$<score.value>'] })
  async best(values: number[]): Promise<number> {
    console.log('waiting for the end');
    await appears(this.gates + '/end');
    console.log('\\u001B[31mred\\u001B[0m end');
    return Math.max(...values);
  }
}
`;
const FILES = { 'slow.ts': PIPELINE, ...TRACE };

/** Starts one, and waits until there is one; `open` opens its gates. */
async function begin(
  directory: string,
  options: { readonly gates?: string; readonly elements?: number } = {},
) {
  const { gates = '.', elements = 40 } = options;
  mkdirSync(join(directory, gates), { recursive: true });
  const process = new JsonProcess<RunEvent>(
    [
      'slow.ts',
      '--param',
      `gates=${gates}`,
      '--param',
      `elements=${elements}`,
      '--output',
      'quiet',
      '--concurrency',
      '4',
    ],
    { cwd: directory },
  );
  onTestFinished(() => process.kill());
  const start = await process.printed(({ type }) => type === 'run.start');
  if (start === undefined) throw new Error(`no run was started\n${process.stderr}`);
  return {
    run: start.run,
    kill: () => process.kill(),
    ended: process.ended.then(({ code }) => code),
    open: (gate: string) => writeFileSync(join(directory, gates, gate), ''),
  };
}

const SCRIPT = `
import { existsSync } from 'node:fs';
import { Task } from 'run-pipeline';
await Task.init({ project: 'live', name: 'talks' });
for (const word of ['one', 'two', 'three']) {
  console.log('the word is ' + word);
  while (!existsSync('after-' + word)) await new Promise((again) => setTimeout(again, 20));
}
`;

describePage('what goes on', () => {
  const project = pageProject({
    files: { ...FILES, 'talks.ts': SCRIPT },
    runs: [],
    written: async (store) => {
      const steps = [{ name: 'load' }];
      const first = await writeRun(store, { pipeline: 'first', steps, status: 'completed' });
      await writeRun(store, {
        pipeline: 'second',
        steps: [{ name: 'load', status: 'cached', cachedFrom: first }],
        status: 'completed',
      });
    },
  });

  test('a run of a thousand steps is watched as it goes, in every view', { timeout: 240_000 }, async () => {
    const { server } = project;
    const { run, ended, open } = await begin(project.directory, { gates: 'thousand', elements: 1000 });
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
      open(`go-${part}`);
    }
    await card('completed · 1,000 of 1,000').waitFor();
    await timeline!
      .getByRole('button', { name: /^score\[\d+\], completed/ })
      .first()
      .waitFor();
    await timeline!.getByRole('button', { name: /^1,002 completed/ }).waitFor();
    await table!.getByRole('row', { name: /completed score\[1\]/ }).waitFor();
    open('end');
    expect(await ended).toBe(0);
    for (const tab of [graph!, timeline!, table!])
      await tab.getByRole('button', { name: /^1,003 completed/ }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('graph, console and list go on in eight tabs: they share one stream, since a browser opens six connections', async () => {
    const { server } = project;
    const { run, ended, open } = await begin(project.directory, { gates: 'eight' });
    const { page, context, complaints } = await openBrowser(server);
    const list = await context.newPage();
    await list.goto(`${server.address}/`);
    await list.getByRole('row', { name: /running/ }).waitFor();
    const tabs = [page, ...(await Promise.all(Array.from({ length: 6 }, () => context.newPage())))];
    for (const tab of tabs) await tab.goto(`${server.address}/runs/${run}?step=best&tab=console`);
    for (const tab of tabs) await tab.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    open('go-0');
    for (const tab of tabs)
      await tab.getByRole('button', { name: /^score ×40 running · 10 of 40/ }).waitFor();
    for (const part of [1, 2, 3]) open(`go-${part}`);
    for (const tab of tabs) {
      await tab.getByRole('button', { name: /^score ×40 completed/ }).waitFor();
      await tab.getByRole('log').getByText('waiting for the end').waitFor();
    }
    // A tab that goes takes nothing from the others.
    for (const tab of tabs.slice(1)) await tab.close();
    open('end');
    await page.getByRole('log').getByText('red').waitFor();
    expect(await ended).toBe(0);
    await page.getByRole('button', { name: /^best completed/ }).waitFor();
    await list.getByRole('row', { name: /running/ }).waitFor({ state: 'detached' });
    await list
      .getByRole('row', { name: /completed/ })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
  });

  test('a run is aborted from the page, after a question', async () => {
    const { run, ended } = await begin(project.directory, { gates: 'aborted' });
    const { page } = await openBrowser(project.server);
    await page.goto(`${project.server.address}/runs/${run}`);
    await page.getByRole('button', { name: 'Abort' }).click();
    await page
      .getByRole('dialog', { name: 'Abort this run?' })
      .getByRole('button', { name: 'Abort' })
      .click();
    expect(await ended).not.toBe(0);
    await page.getByText('aborted').first().waitFor();
  });

  test('the console of a task is live, and stays when it has ended', async () => {
    const { directory, server } = project;
    const child = startNode([BINARY, 'task', 'run', 'talks.ts', '--project', 'live', '--name', 'talks'], {
      cwd: directory,
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
    const { page, context, complaints } = await openBrowser(server);
    await page.goto(`${server.address}/tasks`);
    await page.getByRole('link', { name: 'talks' }).click();
    await page.getByRole('tab', { name: 'Console' }).click();
    await page.waitForURL(/tab=console/);
    const log = page.getByRole('log');
    const said = (word: string) => log.getByText(`the word is ${word}`);
    const goOn = (word: string): void => writeFileSync(join(directory, `after-${word}`), '');
    await said('one').waitFor();
    // Another tab has read as far, and hears the next word from the stream that both share.
    const late = await context.newPage();
    let answered = (): void => {};
    let release = (): void => {};
    const read = new Promise<void>((done) => (answered = done));
    const held = new Promise<void>((done) => (release = done));
    await late.route(/\/logs\b/, async (route) => {
      const response = await route.fetch();
      answered();
      await held;
      await route.fulfill({ response });
    });
    await late.goto(page.url());
    await read;
    goOn('one');
    await said('two').waitFor();
    release();
    await late.getByRole('log').getByText('the word is two').waitFor();
    goOn('two');
    await said('three').waitFor();
    goOn('three');
    expect(await ended).toBe(0);
    await page.getByText('completed').first().waitFor();
    await page.getByText('3 lines').waitFor();
    expect(await log.getByText(/the word is/).count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  test('a result that another pipeline made is told by the name of that run, in the page and in a report', async () => {
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

describePage('a run that goes on', () => {
  test('goes on when the server is killed; the page says so and misses nothing', async () => {
    const { directory } = scratch(FILES);
    const first = await startPageServer({ cwd: directory });
    onTestFinished(first.kill);
    const { run, ended, open } = await begin(directory);
    const { page } = await openBrowser(first);
    await page.goto(`${first.address}/runs/${run}`);
    await page.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    await first.kill();
    await page.getByText('The server is gone.').waitFor();
    for (const part of [0, 1, 2, 3]) open(`go-${part}`);
    const second = await startPageServer({ cwd: directory, port: Number(new URL(first.address).port) });
    onTestFinished(second.kill);
    await page.getByRole('button', { name: /^score ×40 completed/ }).waitFor();
    await page.getByText('The server is gone.').waitFor({ state: 'detached' });
    open('end');
    expect(await ended).toBe(0);
    await page.getByRole('button', { name: /^best completed/ }).waitFor();
  });

  test('is shown as lost when its process dies, with the command that resumes it', async () => {
    const { directory } = scratch(FILES);
    const server = await startPageServer({ cwd: directory, env: { RUN_PIPELINE_LEASE_MS: '1000' } });
    onTestFinished(server.kill);
    const { run, kill } = await begin(directory);
    const { page } = await openBrowser(server);
    await page.goto(`${server.address}/runs/${run}`);
    await page.getByRole('button', { name: /^score ×40 running/ }).waitFor();
    kill();
    await page.getByText('The process of this run is gone.').waitFor({ timeout: 30_000 });
    expect(await page.getByText(`resume ${run}`).first().isVisible()).toBe(true);
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByRole('row', { name: /running score\[0\] interrupted/ }).waitFor();
    await page.goto(`${server.address}/?q=status%3Alost`);
    await page.getByRole('link', { name: 'slow #1' }).waitFor();
  });
});
