import { expect, test } from 'vitest';
import { openBrowser } from '../rig/browser.js';
import { describePage, pageProject, settled } from './project.js';

const EVIL = '<img src=x onerror=alert(1)><script>alert(2)</script>';
const PIPELINE = `
import { PipelineController, currentTask } from 'run-pipeline';
const EVIL = ${JSON.stringify(EVIL)};
function speak(text: string): { rows: object[]; text: string; odd: object } {
  console.log(text, '\\u001B]0;title\\u0007\\u001B]8;;javascript:alert(3)\\u001B\\\\\\\\link\\u001B]8;;\\u001B\\\\\\\\', '\\u202Eevil', 'x'.repeat(9000));
  console.error('\\u0000\\u0008\\u009B31m' + text);
  const { logger } = currentTask();
  logger.reportText(text, { title: text });
  logger.reportSingleValue(text, 1);
  logger.reportScalar({ title: text, series: '__proto__', value: 1, iteration: 0 });
  logger.reportImage({ title: 'svg', image: new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(4)</script></svg>') });
  return { rows: [{ [text]: text, constructor: 'then', url: 'javascript:alert(5)' }], text, odd: JSON.parse('{"__proto__": {"a": 1}, "then": 2}') };
}
function fail(text: string): never {
  throw new TypeError(text + '\\n' + text);
}
const pipe = new PipelineController({ name: EVIL, project: EVIL + '/../..' });
pipe.addParameter({ name: 'text', default: EVIL, description: EVIL });
pipe.addFunctionStep({ name: 'constructor', function: speak, functionKwargs: { text: '$<pipeline.text>' }, functionReturn: ['rows', 'text', 'odd'] });
pipe.addFunctionStep({ name: 'toString', function: fail, functionKwargs: { text: '$<constructor.text>' } });
await pipe.start();
`;

describePage('strings that want to be more than text', () => {
  const project = pageProject({
    files: { 'evil.ts': PIPELINE },
    runs: [['evil.ts'], ['evil.ts', '--param', 'text=<b>']],
  });

  test('are text everywhere', async () => {
    const { page, complaints } = await openBrowser(project.server);
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const run = project.run(`${EVIL}#1`);
    const paths = [
      '/',
      `/p/${encodeURIComponent(`${EVIL}/../..`)}`,
      `/?q=${encodeURIComponent(EVIL)}`,
      `/runs/${run}?view=table`,
      `/runs/${run}?view=timeline`,
      ...['info', 'inputs', 'artifacts', 'console', 'code', 'plots', 'why', 'packages'].map(
        (tab) => `/runs/${run}?step=constructor&tab=${tab}`,
      ),
      `/runs/${run}?step=constructor&tab=artifacts&artifact=odd`,
      `/runs/${run}?step=toString`,
      `/runs/${run}?step=${encodeURIComponent(EVIL)}&q=${encodeURIComponent(EVIL)}&tab=__proto__`,
      `/runs/${run}/rerun?p.text=${encodeURIComponent(EVIL)}`,
      `/compare?runs=${run},${run}`,
      `/compare?runs=${run},${project.run(`${EVIL}#2`)}&all=1&open=${encodeURIComponent(`steps ${EVIL}`)}`,
      `/runs/${run}?view=timeline&span=${encodeURIComponent(EVIL)}`,
      `/runs/${run}/rerun?refresh=${encodeURIComponent(EVIL)}`,
      `/tasks/${encodeURIComponent(EVIL)}`,
    ];
    for (const path of paths) {
      await page.goto(project.server.address + path);
      await page.locator('main').waitFor();
      await settled(page);
      expect(
        await page.locator('main script, main img[src="x"], main a[href^="javascript"], main iframe').count(),
        path,
      ).toBe(0);
    }
    expect(dialogs).toEqual([]);
    // A task that there is not is answered with 404, which the console tells of itself.
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  test('are shown as they are', async () => {
    const { page } = await openBrowser(project.server);
    await page.goto(`${project.server.address}/runs/${project.run(`${EVIL}#1`)}?step=toString`);
    await page.getByText(`TypeError: ${EVIL}`).first().waitFor();
    await page.goto(
      `${project.server.address}/runs/${project.run(`${EVIL}#1`)}?step=constructor&tab=console`,
    );
    await page.getByRole('log').getByText(EVIL).first().waitFor();
    expect(await page.getByRole('log').getByText('␀␈').count()).toBe(1);
  });
});
