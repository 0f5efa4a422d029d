import { expect, test } from 'vitest';
import { openBrowser } from '../rig/browser.js';
import { describePage, pageProject } from './project.js';
import { writeRun } from '../rig/page-runs.js';
import { writtenElements, writtenLayers } from './pipelines/generate.js';

const LOG = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'log', project: 'page' })
export class Log {
  @Step()
  write(): number {
    for (let part = 0; part < 20; part++)
      console.log(Array.from({ length: 10_000 }, (_, index) => 'line ' + (part * 10_000 + index + 1)).join('\\n'));
    console.log('the needle');
    return 1;
  }
}
`;

describePage('large runs', () => {
  const project = pageProject({
    files: { 'log.ts': LOG },
    runs: [['log.ts']],
    written: async (store) => {
      await writeRun(store, { pipeline: 'huge', steps: writtenLayers(5000), status: 'completed' });
      await writeRun(store, { pipeline: 'mapped', steps: writtenElements(998), status: 'completed' });
    },
  });
  const at = (run: string, query = ''): string =>
    `${project.server.address}/runs/${project.run(run)}${query}`;

  test('998 elements of a mapped step are one card, and each can be opened', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('mapped#1'));
    await page.getByRole('button', { name: /^score ×998 completed · 998 of 998/ }).click();
    const elements = page.getByRole('list', { name: 'Steps' });
    await elements.getByRole('button', { name: /^score\[0\]/ }).waitFor();
    await page.keyboard.press('t');
    expect(await page.getByRole('table', { name: 'Steps' }).getAttribute('aria-rowcount')).toBe('1002');
    await page.goto(at('mapped#1', '?step=score%5B997%5D&view=table'));
    await page.getByRole('heading', { level: 2, name: 'score[997]' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('200,000 lines: the end at once, any line by its address, text by the server', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('log#1', '?step=write&tab=console'));
    const log = page.getByRole('log');
    await log.getByText('the needle').waitFor();
    expect(await log.locator('a').count()).toBeLessThan(200);
    await page.goto(at('log#1', '?step=write&tab=console&line=123456'));
    await log.getByText('line 123456', { exact: true }).waitFor();
    await page.getByLabel('Find in the console').fill('line 77777');
    await page.getByText('0 of 1').waitFor();
    await page.keyboard.press('Enter');
    await log.getByText('line 77777', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('5,000 steps: each view shows its ends, draws what is near, and is reached by its key', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('huge#1', '?view=timeline'));
    // Each step is in the path once, however many ways lead through the graph.
    await page.getByText(/Critical path: 500 steps/).waitFor();
    const rows = page.getByRole('list', { name: 'Steps by the time they started' }).getByRole('listitem');
    expect(await rows.count()).toBeLessThan(100);
    await page.keyboard.press('t');
    const table = page.getByRole('table', { name: 'Steps' });
    expect(await table.getAttribute('aria-rowcount')).toBe('5001');
    expect(await table.getByRole('row').count()).toBeLessThan(100);
    await page.keyboard.press('g');
    await page.getByRole('button', { name: /^s0 / }).waitFor();
    expect(await page.locator('svg g[role=button]').count()).toBeLessThan(300);
    await page.getByRole('button', { name: 'Show everything' }).click();
    await expect.poll(() => page.locator('svg g[role=button]').count()).toBeLessThan(10);
    expect(complaints).toEqual([]);
  });

  test('any of 5,000 steps is there by its address, by the palette, and by arrows', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('huge#1', '?step=s4995'));
    await page.getByRole('heading', { level: 2, name: 's4995' }).waitFor();
    await page.getByRole('button', { name: /^s4995 / }).waitFor();
    await page.getByRole('button', { name: /^s4995 / }).focus();
    for (let step = 0; step < 5; step++) await page.keyboard.press('ArrowLeft');
    await page.locator('g[role=button]:focus').waitFor();
    const there = new URL(page.url()).searchParams.get('step');
    expect(Number(there?.slice(1))).toBeLessThan(4960);
    await page.goto(at('huge#1', '?view=table&step=s4321'));
    await page.getByRole('heading', { level: 2, name: 's4321' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('s2500');
    await page.getByRole('option', { name: /s2500/ }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 2, name: 's2500' }).waitFor();
    expect(complaints).toEqual([]);
  });
});
