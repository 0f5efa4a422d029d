import { expect, test } from 'vitest';
import { findInaccessible, findInaccessibleInBothSchemes, openBrowser } from '../rig/browser.js';
import { describePage, pageProject } from './project.js';

const PIPELINE = `
import { Pipeline, Step, Parameter, currentTask } from 'run-pipeline';
@Pipeline({ name: 'fit', project: 'lists', cache: true })
export class Fit {
  @Parameter()
  lr = 0.1;
  @Step({ inputs: ['$<pipeline.lr>'], returns: ['score'] })
  train(lr: number): number {
    if (lr > 1) throw new Error('too fast');
    currentTask().logger.reportSingleValue('accuracy', 1 - lr);
    return 1 - lr;
  }
}
`;
const OTHER = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'other', project: 'elsewhere' })
export class Other {
  @Step()
  only(): number {
    return 1;
  }
}
`;

describePage('the list of runs', () => {
  const project = pageProject({
    files: { 'fit.ts': PIPELINE, 'other.ts': OTHER },
    runs: [
      ['fit.ts', '--param', 'lr=0.1'],
      ['fit.ts', '--param', 'lr=0.2'],
      ['fit.ts', '--param', 'lr=2'],
      ['other.ts'],
      ['fit.ts', '--param', 'lr=0.2'],
    ],
  });
  const at = (path: string): string => project.server.address + path;

  test('it is accessible, whole, filtered and filtered to nothing, light and dark', async () => {
    const { page, complaints } = await openBrowser(project.server);
    for (const path of ['/', '/?q=status%3Afailed', '/?q=nothing-is-called-this', '/p/lists']) {
      await page.goto(at(path));
      await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
      await page.locator('table, [role=status]').first().waitFor();
      expect(await findInaccessibleInBothSchemes(page), path).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });

  test('a line tells status, number, why it failed, what differs, metrics, and what came from the cache', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at('/p/lists'));
    const rows = page.getByRole('table', { name: 'Runs' }).getByRole('row');
    await rows.nth(1).waitFor();
    const lines = (await rows.allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
    const line = (name: string): string => lines.find((text) => text.includes(name))!;
    expect(line('fit #4')).toContain('1 / 1 cached');
    expect(line('fit #4')).toContain('lr 0.2');
    expect(line('fit #4')).toContain('0.8');
    expect(line('fit #3')).toContain('failed');
    expect(line('fit #3')).toContain('train: too fast');
    expect(lines.some((text) => text.includes('other'))).toBe(false);
  });

  test('the filter is in the address, and an address is a filter', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(at('/?q=lr%3C0.15'));
    await page.getByRole('link', { name: 'fit #1' }).waitFor();
    expect(await page.getByRole('table', { name: 'Runs' }).getByRole('link').count()).toBe(1);
    await page.keyboard.press('/');
    await page.keyboard.type('status:fai');
    await page.getByRole('option', { name: 'status:failed' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'fit #3' }).waitFor();
    await page.waitForURL(/q=status%3Afailed/);
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('link', { name: 'other #1' }).waitFor();
  });

  test('by keyboard alone: down the list, two chosen, compared', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('/'));
    await page.getByRole('link', { name: 'fit #4' }).waitFor();
    await page.keyboard.press('j');
    await page.locator('a:focus').filter({ hasText: 'fit #4' }).waitFor();
    await page.keyboard.press('x');
    await page.getByRole('checkbox', { name: 'Choose fit #4 for comparing', checked: true }).waitFor();
    await page.keyboard.press('j');
    await page.locator('a:focus').filter({ hasText: 'other #1' }).waitFor();
    await page.keyboard.press('j');
    await page.locator('a:focus').filter({ hasText: 'fit #3' }).waitFor();
    await page.keyboard.press('x');
    await page.getByRole('link', { name: 'Compare 2' }).waitFor();
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Compare 2 runs' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'fit #4' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\//);
    expect(complaints).toEqual([]);
  });
});

describePage('a project in which nothing has run', () => {
  const project = pageProject({ files: {}, runs: [] });

  test('says which command to run', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.getByText('Nothing has run here yet').waitFor();
    expect(await page.getByText('npx run-pipeline pipeline.ts').isVisible()).toBe(true);
    expect(await findInaccessible(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('tells a browser that has not opened the link to do so, and not that the server is gone', async () => {
    const { page, context } = await openBrowser(project.server);
    await context.clearCookies();
    await page.goto(`${project.server.address}/queues`);
    await page.getByText('This browser is not known to the server.').waitFor();
    await page.getByRole('heading', { name: 'Could not read the queues' }).waitFor();
    expect(await page.getByText('The server is gone.').count()).toBe(0);
    expect(await findInaccessible(page)).toEqual([]);
  });
});
