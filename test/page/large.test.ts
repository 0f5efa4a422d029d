import { expect, test } from 'vitest';
import { openBrowser } from '../rig/browser.js';
import { describePage, pageProject } from './project.js';
import { layered, mapped } from './pipelines/generate.js';

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
    files: { 'layered.ts': layered('layered', 1000), 'mapped.ts': mapped('mapped', 998), 'log.ts': LOG },
    runs: [['layered.ts'], ['mapped.ts'], ['log.ts']],
  });
  const at = (run: string, query = ''): string =>
    `${project.server.address}/runs/${project.run(run)}${query}`;

  test('a thousand steps: only what is near is drawn, and arrows lead anywhere', async () => {
    const { page, complaints } = await openBrowser(project.server);
    await page.goto(at('layered#1'));
    await page.getByRole('button', { name: /^s0 / }).waitFor();
    expect(await page.locator('svg g[role=button]').count()).toBeLessThan(300);
    await page.getByRole('button', { name: 'Show everything' }).click();
    expect(await page.locator('svg g[role=button]').count()).toBeLessThan(10);
    await page.goto(at('layered#1', '?step=s995'));
    await page.getByRole('button', { name: /^s995 / }).waitFor();
    await page.getByRole('button', { name: /^s995 / }).focus();
    for (let step = 0; step < 5; step++) await page.keyboard.press('ArrowLeft');
    await page.locator('g[role=button]:focus').waitFor();
    const there = new URL(page.url()).searchParams.get('step');
    expect(Number(there?.slice(1))).toBeLessThan(960);
    expect(complaints).toEqual([]);
  });

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
});
