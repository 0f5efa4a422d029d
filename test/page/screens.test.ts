import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findInaccessible, findInaccessibleInBothSchemes, openBrowser } from '../rig/browser.js';
import { describePage, pageProject, pipelineSource, settled } from './project.js';

describePage('compare, run again, tasks and queues', () => {
  const project = pageProject({
    files: { 'mixed.ts': pipelineSource('mixed'), 'script.ts': pipelineSource('script') },
    tasks: ['script.ts'],
    runs: [['mixed.ts'], ['mixed.ts', '--param', 'lr=0.02', '--param', 'broken=false']],
    edited: {
      file: 'mixed.ts',
      // Another step, one less, and another line in one of them.
      edit: (source) =>
        source
          .replace('return notes.toUpperCase();', 'return notes.toLowerCase();')
          .replace(/  @Step\(\{ inputs: \['\$<choose\.best>'\] \}\)\n  publish[\s\S]*?\n  \}\n/, '')
          .replace(
            /\}\n$/,
            "  @Step({ inputs: ['$<report.result>'] })\n  archive(text: string): string {\n    return text;\n  }\n}\n",
          ),
      runs: [['mixed.ts', '--param', 'broken=false']],
    },
  });
  const at = (path: string): string => project.server.address + path;
  const pair = (): string => `/compare?runs=${project.run('mixed#1')},${project.run('mixed#2')}`;

  test('they are accessible, light and dark', async () => {
    const { page, complaints } = await openBrowser(project.server);
    for (const path of [
      pair(),
      `${pair()}&all=1&open=artifacts+load.rows`,
      `/compare?runs=${project.run('mixed#2')},${project.run('mixed#3')}`,
      '/compare',
      `/runs/${project.run('mixed#1')}/rerun?p.lr=0.5`,
      '/tasks',
      '/queues?queue=default',
      '/nowhere',
    ]) {
      await page.goto(at(path));
      await page.locator('main').getByRole('heading').or(page.locator('main p')).first().waitFor();
      await settled(page);
      expect(await findInaccessibleInBothSchemes(page), path).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });

  test('only what differs is compared, unless everything is asked for', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at(pair()));
    await page.getByRole('rowheader', { name: 'lr' }).waitFor();
    expect(await page.getByRole('rowheader', { name: 'load.rows' }).count()).toBe(0);
    await page.getByRole('checkbox', { name: 'also what is the same' }).check();
    await page.getByRole('rowheader', { name: 'load.rows' }).waitFor();
    await page.getByRole('button', { name: 'load.rows' }).click();
    await page.getByRole('region', { name: 'load.rows of #1' }).getByText('row 3', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'make it the base' }).click();
    await page.waitForURL(/base=/);
  });

  test('two runs are one graph with what came, went and changed; their code is shown where it differs', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at(`/compare?runs=${project.run('mixed#2')},${project.run('mixed#3')}`));
    const graph = page.getByRole('region', { name: 'Graph' });
    for (const [step, change] of [
      ['archive', 'added'],
      ['publish', 'removed'],
      ['report', 'another result'],
      ['load', 'the same'],
    ])
      await graph.getByRole('button', { name: `${step}: ${change}` }).waitFor();
    const code = page.getByRole('region', { name: 'Code' });
    await code.getByText('return notes.toUpperCase();').waitFor();
    await code.getByText('return notes.toLowerCase();').waitFor();
    // What is the same in both is left out.
    expect(await code.getByText('console.error').count()).toBe(0);
    await graph.getByRole('button', { name: 'report: another result' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/open=steps\+report/);
    await page.getByRole('button', { name: 'report', exact: true, expanded: true }).waitFor();
    await page.goto(
      at(`/compare?runs=${['mixed#1', 'mixed#2', 'mixed#3'].map((name) => project.run(name)).join(',')}`),
    );
    await page.getByLabel('Compare the base with').selectOption({ label: 'mixed #3' });
    await page.waitForURL(/with=/);
    await graph.getByRole('button', { name: 'archive: added' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('a rerun goes from what failed, or executes chosen steps again', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at(`/runs/${project.run('mixed#1')}/rerun?p.broken=false`));
    const preview = page.getByRole('region', { name: 'What would happen' });
    await page.getByRole('button', { name: 'From what failed: choose' }).click();
    await page.waitForURL(/from=choose/);
    await preview.getByText('--from=choose').waitFor();
    await page.getByLabel('all of them').check();
    await page.getByLabel('execute chosen steps again, take the rest').check();
    await page.getByLabel('Execute this step again').selectOption('split');
    await page.waitForURL(/refresh=split/);
    await preview.getByRole('button', { name: 'execute again: load' }).click();
    await page.waitForURL(/refresh=split%2Cload/);
    expect(await findInaccessible(page)).toEqual([]);
    await page.getByRole('button', { name: 'Take split from the cache after all' }).click();
    await page.waitForURL(/refresh=load$/);
    await preview.getByText('--refresh=load').waitFor();
    expect(complaints).toEqual([]);
  });

  test('tasks and queues: j and k go from line to line', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at('/tasks'));
    await page.getByRole('link', { name: 'a script', exact: true }).first().waitFor();
    await page.keyboard.press('j');
    await page.locator('a:focus').filter({ hasText: 'a script' }).waitFor();
    await page.goto(at('/queues'));
    await page.getByRole('button', { name: 'default', exact: true }).waitFor();
    await page.keyboard.press('j');
    await page.locator('button:focus').waitFor();
    await page.keyboard.press('k');
    await page.locator('button:focus').waitFor();
  });

  test('a rerun says what would happen before it happens; started by keyboard alone', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at(`/runs/${project.run('mixed#2')}`));
    await page.getByRole('button', { name: /^load/ }).waitFor();
    await page.keyboard.press('r');
    const preview = page.getByRole('region', { name: 'What would happen' });
    await preview
      .getByText(/cached/)
      .first()
      .waitFor();
    await page.getByLabel('lr').focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('fast');
    await page.getByRole('alert').filter({ hasText: 'number' }).waitFor();
    expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('0.03');
    await preview
      .getByText(/parameter lr/)
      .first()
      .waitFor();
    await preview.getByText('--param').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /mixed ?#4/ }).waitFor({ timeout: 20_000 });
    await page.getByText('completed').first().waitFor({ timeout: 20_000 });
    expect(complaints).toEqual([]);
  });

  test('by keyboard alone: from the palette to tasks and queues, and through what is compared', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('/'));
    await page.getByRole('link', { name: 'mixed #1' }).waitFor();
    await go(page, 'Queues');
    await page.waitForURL(/\/queues/);
    await tabTo(page, page.getByRole('button', { name: 'default', exact: true }));
    await page.keyboard.press('Enter');
    await page.waitForURL(/queue=default/);
    await go(page, 'Tasks');
    await page.waitForURL(/\/tasks/);
    await tabTo(page, page.getByRole('link', { name: 'a script', exact: true }));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /a script/ }).waitFor();

    await page.goto(at(pair()));
    await page.getByRole('rowheader', { name: 'lr' }).waitFor();
    await tabTo(page, page.getByRole('checkbox', { name: 'also what is the same' }));
    await page.keyboard.press('Space');
    await page.getByRole('rowheader', { name: 'load.rows' }).waitFor();
    await tabTo(page, page.getByRole('button', { name: 'load.rows' }));
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'load.rows of #1' }).getByText('row 3', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('an artifact is sorted and paged by the server, and opened to its leaves', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at(`/runs/${project.run('mixed#1')}?step=load&tab=artifacts&artifact=rows`));
    const table = page.getByRole('group', { name: 'Rows' });
    await table.getByRole('button', { name: 'score' }).click();
    await table
      .getByRole('columnheader', { name: 'score' })
      .and(page.locator('[aria-sort=ascending]'))
      .waitFor();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByText('101–200 of 500 rows').waitFor();
    await page.getByRole('combobox', { name: 'Show as' }).selectOption('tree');
    await page.getByRole('list', { name: 'Value' }).getByRole('button', { name: /^0/ }).click();
    await page.getByText('row 0', { exact: true }).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    expect((await download).suggestedFilename()).toBe('rows.json');
  });

  test('a task of its own: its parameters, console, artifacts and reports, and a clone of it', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('/tasks'));
    await page.getByRole('link', { name: 'a script' }).click();
    await page.getByRole('heading', { level: 1, name: /a script/ }).waitFor();
    await page.getByText('iris.csv').waitFor();
    await settled(page);
    expect(await findInaccessibleInBothSchemes(page)).toEqual([]);
    await page.keyboard.press('2');
    await page.getByRole('heading', { name: 'table' }).waitFor();
    await page.keyboard.press('3');
    await page.getByRole('log').getByText('depth 3').waitFor();
    await settled(page);
    expect(await findInaccessibleInBothSchemes(page)).toEqual([]);
    await page.keyboard.press('4');
    await page.getByRole('img', { name: /^ages/ }).waitFor();
    await page.getByRole('rowheader', { name: 'versicolor' }).waitFor();
    await page.getByRole('group', { name: 'best' }).waitFor();
    await page
      .getByRole('img', { name: /^accuracy/ })
      .locator('canvas')
      .waitFor();
    await settled(page);
    expect(await findInaccessibleInBothSchemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'Clone' }).click();
    await page.getByText('not started').waitFor();
    await page.getByText('cloned from').waitFor();
    expect(complaints).toEqual([]);
  });

  test('scalars are drawn with their last values in words', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at(`/runs/${project.run('mixed#1')}?step=train%5B0%5D&tab=plots`));
    await page
      .getByRole('img', { name: /^loss: last values train/ })
      .locator('canvas')
      .waitFor();
    await page.getByLabel('Smoothing').fill('0.9');
    await page.getByRole('button', { name: /^test/ }).click();
    await page.getByRole('img', { name: /^loss/ }).locator('canvas').waitFor();
  });
});

/** By the palette. */
async function go(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /^Go to/ }).waitFor();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
}

/** From where the focus is, as a person does it; bounded, since focus may be caught in a ring. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element.matches(':focus'))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('the Tab key does not lead there');
}
