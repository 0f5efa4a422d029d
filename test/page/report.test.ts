import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findInaccessibleInBothSchemes, openBrowser, CHROMIUM, type Opened } from '../rig/browser.js';
import { runPipeline } from '../rig/command.js';
import { scratch } from '../rig/scratch.js';
import { describePage, pipelineSource } from './project.js';

const EVIL = '</script><img src=x onerror=alert(1)><!--<script>alert(2)</script>';
const FILES = {
  'mixed.ts': pipelineSource('mixed'),
  'told.ts': `
import { Pipeline, Step, currentTask, image } from 'run-pipeline';
@Pipeline({ name: 'told', project: 'page' })
export class Told {
  @Step({ returns: ['flowers', 'picture'] }) load() {
    const flowers = Array.from({ length: 150 }, (_, id) => ({ id, kind: ['setosa', 'versicolor'][id % 2], width: id / 7 }));
    for (let line = 0; line < 450; line++) console.log('\\u001B[32mline\\u001B[0m ' + line);
    return { flowers, picture: image(Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'), { mime: 'image/png' }) };
  }
  @Step({ inputs: ['$<load.flowers>'] }) train(flowers: readonly object[]): number {
    const { logger } = currentTask();
    for (let iteration = 0; iteration < 40; iteration++)
      for (const series of ['train', 'test'])
        logger.reportScalar({ title: 'loss', series, value: Math.exp(-iteration / 9) + (series === 'test' ? 0.1 : 0), iteration });
    logger.reportSingleValue('accuracy', 0.96);
    logger.reportConfusionMatrix({ title: 'confusion', matrix: [[48, 2], [3, 47]], xLabels: ['setosa', 'versicolor'], yLabels: ['setosa', 'versicolor'] });
    logger.reportScatter({ title: 'points', points: Array.from({ length: 60 }, (_, i) => [Math.cos(i) * i, Math.sin(i) * i]), xAxis: 'x', yAxis: 'y' });
    logger.reportTable({ title: 'best', table: [{ model: 'a', score: 0.9 }, { model: 'b', score: 0.8 }] });
    logger.reportText('It went **well**.', { title: 'notes' });
    return flowers.length;
  }
}
`,
  'evil.ts': `
import { PipelineController, currentTask } from 'run-pipeline';
const EVIL = ${JSON.stringify(EVIL)};
function speak(text: string): { rows: object[]; text: string } {
  console.log(text);
  currentTask().logger.reportText(text, { title: text });
  currentTask().logger.reportScalar({ title: text, series: '__proto__', value: 1, iteration: 0 });
  return { rows: [{ [text]: text, constructor: 'then' }], text };
}
function fail(text: string): never {
  throw new TypeError(text);
}
const pipe = new PipelineController({ name: EVIL, project: EVIL });
pipe.addParameter({ name: 'text', default: EVIL });
pipe.addFunctionStep({ name: 'constructor', function: speak, functionKwargs: { text: '$<pipeline.text>' }, functionReturn: ['rows', 'text'] });
pipe.addFunctionStep({ name: 'toString', function: fail, functionKwargs: { text: '$<constructor.text>' } });
await pipe.start();
`,
};

describePage('the report of a run', () => {
  let directory = '';
  beforeAll(async () => {
    if (CHROMIUM === undefined) return;
    ({ directory } = scratch(FILES, { keep: true }));
    for (const name of Object.keys(FILES)) {
      await runPipeline([name, '--output', 'quiet'], { cwd: directory, timeout: 120_000 });
      const wrote = await runPipeline(['report', 'latest', '-o', `${name}.html`], { cwd: directory });
      expect(wrote.code, wrote.stderr).toBe(0);
    }
  }, 180_000);
  afterAll(() => {
    if (directory !== '') rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  /** As a reader opens it, from the disk. */
  async function open(name: keyof typeof FILES): Promise<Opened & { readonly asked: readonly string[] }> {
    const link = pathToFileURL(join(directory, `${name}.html`)).href;
    const opened = await openBrowser({ link: 'about:blank' });
    const asked: string[] = [];
    opened.page.on('request', (request) => {
      if (request.url() !== link && !request.url().startsWith('data:')) asked.push(request.url());
    });
    await opened.page.goto(link);
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    return { ...opened, asked };
  }

  test('shows graph, timeline, consoles, artifacts, scalars and plots, and asks nobody', async () => {
    const { page, complaints, asked } = await open('told.ts');
    expect(await page.title()).toBe('told #1 completed');
    await page.getByRole('group', { name: /^Graph of 2 steps/ }).waitFor();
    expect(await page.getByRole('list', { name: 'Steps by the time they started' }).innerText()).toContain(
      'load',
    );
    // A card of the graph leads to its step, and opens it.
    await page.getByRole('link', { name: /^train completed/ }).click();
    const train = page.locator('details', { has: page.getByText('accuracy') });
    await train.getByRole('img', { name: /^loss: last values train/ }).waitFor();
    await train.locator('.uplot canvas').first().waitFor();
    await train.getByRole('img', { name: /points/ }).waitFor();
    expect(await train.getByRole('table').allInnerTexts()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/setosa\s+48\s+2/),
        expect.stringMatching(/model\s+score\s+a\s+0\.9/),
      ]),
    );
    expect(await train.getByText('It went **well**.', { exact: true }).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Open all' }).click();
    expect(await page.getByRole('group', { name: 'Rows of flowers' }).getByRole('row').count()).toBe(51);
    await page.getByText('first 50 of 150 rows').waitFor();
    expect(
      await page
        .getByRole('img', { name: 'picture' })
        .evaluate((image) => (image as unknown as { readonly naturalWidth: number }).naturalWidth),
    ).toBe(1);
    const log = page.getByRole('group', { name: 'Console of load' });
    expect(await log.innerText()).toMatch(/^51\s+line 50\s/);
    expect(await log.innerText()).toMatch(/450\s+line 449\s*$/);
    expect(await page.getByText('the beginning of the console of one step').count()).toBe(1);
    expect(complaints).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('of a failed run begins with the failure and its lines of source, and opens the step', async () => {
    const { page, complaints, asked } = await open('mixed.ts');
    const failure = page.getByRole('region', { name: 'The first failure' });
    expect(await failure.innerText()).toMatch(/choose\s+failed · 1 step skipped because of it/);
    expect(await failure.getByLabel('Lines of source').textContent()).toContain('throw new RangeError');
    const choose = page.locator('details[open]', { hasText: 'Console of attempt 2' });
    expect(await choose.locator('> summary').innerText()).toMatch(/^choose/);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('choose');
    expect(complaints).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('is accessible with all of it open, light and dark', async () => {
    for (const name of ['told.ts', 'mixed.ts'] as const) {
      const { page, complaints } = await open(name);
      await page.getByRole('button', { name: 'Open all' }).click();
      await page.locator('.uplot canvas').first().waitFor();
      expect(await findInaccessibleInBothSchemes(page), name).toEqual([]);
      expect(complaints).toEqual([]);
    }
  });

  test('is one file whose policy lets nothing in or out', async () => {
    const { page, complaints } = await open('told.ts');
    const [head] = readFileSync(join(directory, 'told.ts.html'), 'utf8').split('id="report-data"');
    expect(head).toContain('<title>');
    expect(head).not.toMatch(/(?:src|href)="(?!data:,)/);
    const outcome = await page.evaluate(`(async () => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.wasRun = true';
      document.body.append(script);
      const reached = await fetch('data:text/plain,there').then(() => true, () => false);
      return { wasRun: 'wasRun' in globalThis, reached };
    })()`);
    expect(outcome).toEqual({ wasRun: false, reached: false });
    expect(complaints.join('\n')).toContain('Content Security Policy');
  });

  test('strings that want to be more than text stay text', async () => {
    const { page, complaints, asked } = await open('evil.ts');
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.getByRole('button', { name: 'Open all' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(EVIL);
    expect(await page.getByRole('group', { name: 'Console of constructor' }).innerText()).toContain(EVIL);
    expect(await page.getByText(`TypeError: ${EVIL}`).first().isVisible()).toBe(true);
    expect(await page.locator('#root script, img[src="x"], iframe').count()).toBe(0);
    expect(dialogs).toEqual([]);
    expect(complaints).toEqual([]);
    expect(asked).toEqual([]);
  });
});
