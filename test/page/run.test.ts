import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { findInaccessible, findInaccessibleInBothSchemes, openBrowser } from '../rig/browser.js';
import { describePage, pageProject, pipelineSource, settled } from './project.js';

describePage('the page of a run', () => {
  const project = pageProject({
    files: { 'mixed.ts': pipelineSource('mixed') },
    runs: [['mixed.ts'], ['mixed.ts', '--param', 'broken=false']],
  });
  const failed = (query = ''): string => `${project.server.address}/runs/${project.run('mixed#1')}${query}`;

  test('every view and every tab is accessible, light and dark', async () => {
    const { page, complaints } = await openBrowser(project.server);
    for (const query of [
      '?step=choose',
      '?view=timeline',
      '?view=table',
      '?view=table&q=nothing+is+like+that',
    ]) {
      await page.goto(failed(query));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('tabpanel').first().waitFor();
      await settled(page);
      expect(await findInaccessibleInBothSchemes(page), query).toEqual([]);
    }
    for (const tab of ['inputs', 'artifacts', 'console', 'code', 'plots', 'why', 'packages']) {
      await page.goto(failed(`?step=load&tab=${tab}`));
      await page.getByRole('tab', { selected: true }).nth(1).waitFor();
      await settled(page);
      expect(await findInaccessibleInBothSchemes(page), tab).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });

  test('the root failure comes first, with its lines of source and what was skipped', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(failed());
    await page.getByText('1 step skipped because of it').waitFor();
    expect(await page.getByText('RangeError: no loss is small enough').isVisible()).toBe(true);
    expect(await page.getByLabel('Lines of source').textContent()).toContain('throw new RangeError');
    await page.getByRole('button', { name: 'Open the step' }).click();
    await page.getByRole('region', { name: 'Step choose' }).waitFor();
    expect(new URL(page.url()).searchParams.get('step')).toBe('choose');
  });

  test('by keyboard alone: to the failure, its tabs, along the edges, through the views', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(failed());
    await page.getByRole('button', { name: /^choose failed/ }).waitFor();
    await page.keyboard.press('f');
    await page.getByRole('heading', { level: 2, name: 'choose' }).waitFor();
    await page.keyboard.press('7');
    expect(new URL(page.url()).searchParams.get('tab')).toBe('why');
    await page.getByRole('button', { name: /^choose failed/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('heading', { level: 2, name: 'train' }).waitFor();
    await page.locator('g[aria-label^="train"]:focus').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { level: 2, name: 'choose' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 2 }).waitFor({ state: 'detached' });
    await page.keyboard.press('t');
    await page.getByRole('table', { name: 'Steps' }).waitFor();
    await page.keyboard.press('l');
    await page.getByRole('list', { name: 'Steps by the time they started' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('publish');
    await page.getByText('No step is like that').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('repo');
    await page
      .getByRole('option', { name: /report/ })
      .first()
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 2, name: 'report' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  test('the table has every step of the graph, elements of mapped steps too', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(failed('?view=table'));
    const table = page.getByRole('table', { name: 'Steps' });
    await table.waitFor();
    const names = await table.getByRole('link').allTextContents();
    expect(names.toSorted()).toEqual(
      [
        'choose',
        'load',
        'publish',
        'report',
        'split',
        'train',
        'train[0]',
        'train[1]',
        'train[2]',
        'train[3]',
      ].toSorted(),
    );
  });

  test('a cached step leads to the run that executed it', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(`${project.server.address}/runs/${project.run('mixed#2')}`);
    await page.getByRole('link', { name: 'load: the run it was taken from, #1' }).click();
    await page.waitForURL(`**/runs/${project.run('mixed#1')}?step=load`);
    await page.getByRole('heading', { level: 2, name: 'load' }).waitFor();
  });

  test('the timeline is turned to a stretch of time, by keys and by the wheel; it stands in the address', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(failed('?view=timeline'));
    const rows = page.getByRole('list', { name: 'Steps by the time they started' }).getByRole('listitem');
    await rows.first().waitFor();
    const count = await rows.count();
    await page.keyboard.press('+');
    await page.waitForURL(/span=/);
    for (let press = 0; press < 3; press++) await page.keyboard.press('ArrowRight');
    await page.waitForURL(({ searchParams }) => !(searchParams.get('span') ?? '0-').startsWith('0-'));
    await page.reload();
    await rows.first().waitFor();
    // Its steps stay: their bars may lie outside.
    expect(await rows.count()).toBe(count);
    expect(new URL(page.url()).searchParams.get('span')).toMatch(/^[1-9]\d*-/);
    await page.getByRole('button', { name: 'The whole run' }).click();
    await page.waitForURL(({ searchParams }) => !searchParams.has('span'));
    await rows.first().hover();
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -200);
    await page.keyboard.up('Control');
    await page.waitForURL(/span=/);
    expect(await findInaccessible(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a colour goes on over the end of a line; long lines are wrapped where they are wanted so', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(failed('?step=load&tab=console'));
    const log = page.getByRole('log');
    const first = log.getByText('a colour that');
    const next = log.getByText('goes on over the end of its line');
    const look = (of: Locator): Promise<string | null> => of.getAttribute('class');
    await next.waitFor();
    expect(await look(next)).toBe(await look(first));
    expect(await look(log.getByText('one very long line'))).not.toBe(await look(first));
    const heightOf = async (text: string): Promise<number> =>
      (await log.getByText(text).boundingBox())?.height ?? 0;
    const one = await heightOf('one very long line');
    await page.getByRole('checkbox', { name: 'wrap' }).check();
    await expect.poll(() => heightOf('one very long line')).toBeGreaterThan(one * 2);
    expect(await findInaccessible(page)).toEqual([]);
    await page.reload();
    await expect.poll(() => heightOf('one very long line')).toBeGreaterThan(one * 2);
    expect(complaints).toEqual([]);
  });

  test('a run that there is not says so', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(`${project.server.address}/runs/0000000000`);
    await page.getByText('There is no such run').waitFor();
  });
});
