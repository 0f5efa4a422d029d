import { createServer, type Server } from 'node:http';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findInaccessibleInBothSchemes, openBrowser } from '../rig/browser.js';
import { runPipeline } from '../rig/command.js';
import { describePage, pageProject } from './project.js';

/** `TRAP` stands for a server that must never hear anything. */
const EVIL = `<!doctype html>
<html><head>
<title>evil</title>
<base href="TRAP/base/">
<link rel="preconnect" href="TRAP"><LINK
rel="dns-prefetch" href="TRAP"><link/rel="stylesheet"/href="TRAP/style.css">
<link rel="prefetch" href="TRAP/prefetch"><link rel="icon" href="TRAP/icon">
<meta http-equiv="refresh" content="0;url=TRAP/refresh">
<style>@import url(TRAP/import.css); body { background: url(TRAP/background) } h1 { color: rgb(1, 2, 3) }</style>
<script>parent.document.title = 'owned'; fetch('TRAP/fetch'); fetch('/api/session'); alert(1)</script>
</head>
<body onload="top.location = 'TRAP/top'">
<h1>A table of results</h1>
<img id="inside" alt="inside" src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
<img alt="" src="TRAP/image"><img alt="" src=x onerror="alert(2)">
<video src="TRAP/video" autoplay></video><audio src="TRAP/audio" autoplay></audio>
<iframe src="TRAP/frame"></iframe><iframe srcdoc="<script>alert(3)</script>"></iframe>
<object data="TRAP/object"></object><embed src="TRAP/embed">
<svg><image href="TRAP/svg" /><script>alert(4)</script></svg>
<form id="form" action="TRAP/form" method="post"><button id="submit">Send</button></form>
<a id="top" target="_top" href="TRAP/link-top">top</a>
<a id="blank" target="_blank" href="TRAP/link-blank">blank</a>
<a id="self" href="TRAP/link-self" ping="TRAP/ping">self</a>
<a id="own" href="/queues">own</a>
<a id="script" href="javascript:alert(5)">script</a>
<a id="place" href="#end">place</a> <svg><a id="animated" href="#x"><set attributeName="href" to="TRAP/set"/><text>a</text></a></svg>
<p id="end">The end</p>
</body></html>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="40" height="30" onload="alert(6)">
<style>@import url(TRAP/svg-import); rect { fill: rgb(200, 10, 10) }</style>
<script>alert(7); fetch('TRAP/svg-fetch')</script>
<image x:href="TRAP/svg-image" width="10" height="10"/><foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="TRAP/svg-frame"/></foreignObject>
<rect width="40" height="30"/></svg>`;
const PIPELINE = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Pipeline, Step, file, directory } from 'run-pipeline';
/** A second of silence, 8 kHz. */
function wave(): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0); head.writeUInt32LE(36 + 8000, 4); head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16); head.writeUInt16LE(1, 20); head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24); head.writeUInt32LE(8000, 28); head.writeUInt16LE(1, 32); head.writeUInt16LE(8, 34);
  head.write('data', 36); head.writeUInt32LE(8000, 40);
  return Buffer.concat([head, Buffer.alloc(8000, 128)]);
}
@Pipeline({ name: 'documents', project: 'page' })
export class Documents {
  @Step({ returns: ['page', 'wide', 'drawing', 'sound', 'site'] })
  make(): Record<string, unknown> {
    const evil = readFileSync(process.env.EVIL_HTML!, 'utf8');
    writeFileSync('results.html', evil);
    writeFileSync('wide.htm', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(evil, 'utf16le')]));
    writeFileSync('drawing.svg', readFileSync(process.env.EVIL_SVG!));
    writeFileSync('sound.wav', wave());
    mkdirSync('site/sub', { recursive: true });
    writeFileSync('site/sub/index.html', '<h1>Inside of a directory</h1>');
    writeFileSync('site/drawing.svg', readFileSync(process.env.EVIL_SVG!));
    return {
      page: file('results.html'), wide: file('wide.htm'), drawing: file('drawing.svg'),
      sound: file('sound.wav'), site: directory('site'),
    };
  }
}
`;

const widthOf = (image: Locator): Promise<unknown> =>
  image.evaluate((image) => (image as unknown as { readonly naturalWidth: number }).naturalWidth);

/** Everything that can be clicked, and the document is still there after it. */
async function clickAll(frame: FrameLocator): Promise<void> {
  for (const id of ['top', 'blank', 'script', 'submit', 'own', 'self', 'animated', 'place'])
    await frame.locator(`#${id}`).dispatchEvent('click');
  expect(await frame.getByText('The end').isVisible()).toBe(true);
}

describePage('documents that want to be more than a picture', () => {
  const project = pageProject({ files: { 'documents.ts': PIPELINE }, runs: [] });
  const heard: string[] = [];
  let trap: Server;
  let run = '';
  beforeAll(async () => {
    trap = createServer((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end('heard');
    });
    // A connection alone would be a message already.
    trap.on('connection', () => heard.push('a connection'));
    await new Promise<void>((done) => trap.listen(0, '127.0.0.1', done));
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
    const put = (name: string, text: string): string => {
      const path = join(project.directory, name);
      writeFileSync(path, text.replaceAll('TRAP', address));
      return path;
    };
    const env = { EVIL_HTML: put('evil.html', EVIL), EVIL_SVG: put('evil.svg', SVG) };
    const { code, stdout, stderr } = await runPipeline(['documents.ts', '--output', 'quiet', '--json'], {
      cwd: project.directory,
      env,
    });
    expect(code, stderr).toBe(0);
    run = (JSON.parse(stdout.split('\n')[0]!) as { readonly run: string }).run;
  }, 60_000);
  beforeEach(() => {
    heard.length = 0;
  });
  afterAll(() => void trap?.close());

  const artifact = (name: string): string =>
    `${project.server.address}/runs/${run}?step=make&tab=artifacts&artifact=${name}`;
  const dialogsOf = (page: Page): readonly string[] => {
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    return dialogs;
  };

  for (const name of ['page', 'wide'])
    test(`an HTML document is laid out in its frame, and can do nothing else (${name})`, async () => {
      const { page, context } = await openBrowser(project.server);
      const dialogs = dialogsOf(page);
      await page.goto(artifact(name));
      const element = page.locator(`iframe[title="${name}"]`);
      const frame = element.contentFrame();
      const heading = frame.getByRole('heading', { name: 'A table of results' });
      await heading.waitFor();
      // Its styles and its own pictures are there.
      expect(
        await heading.evaluate(
          (h1) =>
            (
              globalThis as unknown as {
                readonly getComputedStyle: (of: unknown) => { readonly color: string };
              }
            ).getComputedStyle(h1).color,
        ),
      ).toBe('rgb(1, 2, 3)');
      await expect.poll(() => widthOf(frame.locator('#inside'))).toBe(1);
      expect(await page.title()).not.toBe('owned');
      await clickAll(frame);
      // What the last click led to is not shown, and neither is the page inside of itself.
      await page.getByRole('button', { name: 'Copy the hash' }).waitFor();
      expect(page.url()).toBe(artifact(name));
      expect(context.pages()).toHaveLength(1);
      expect(page.frames().filter((each) => each.url().includes('/queues'))).toEqual([]);
      expect(dialogs).toEqual([]);
      expect(heard).toEqual([]);
    });

  test('an address that is opened by itself runs and loads nothing either', async () => {
    const { page } = await openBrowser(project.server);
    const dialogs = dialogsOf(page);
    await page.goto(artifact('page'));
    const source = await page.locator('iframe[title=page]').getAttribute('src');
    await page.goto(artifact('drawing'));
    const picture = await page.getByRole('img', { name: 'drawing' }).getAttribute('src');
    for (const path of [source!, picture!]) {
      const answer = await page.goto(project.server.address + path).catch(() => undefined);
      const policy = answer?.headers()['content-security-policy'];
      if (answer !== undefined) expect(policy).toContain('sandbox');
      expect(await page.title()).not.toBe('owned');
    }
    expect(dialogs).toEqual([]);
    expect(heard).toEqual([]);
  });

  test('an SVG is a picture', async () => {
    const { page, complaints } = await openBrowser(project.server);
    const dialogs = dialogsOf(page);
    for (const [name, open] of [
      ['drawing', undefined],
      ['site', 'drawing.svg'],
    ] as const) {
      await page.goto(artifact(name));
      if (open !== undefined) await page.getByRole('button', { name: open }).click();
      const picture = page.getByRole('img', { name: open ?? name });
      await expect.poll(() => widthOf(picture)).toBe(40);
    }
    expect(dialogs).toEqual([]);
    expect(heard).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('sound is played by ranges; a document of a directory has a frame, too; light and dark', async () => {
    const { page, complaints } = await openBrowser(project.server);
    const ranges: string[] = [];
    page.on('request', (request) => {
      if (request.resourceType() === 'media') ranges.push(request.headers()['range'] ?? '');
    });
    await page.goto(artifact('sound'));
    const sound = page.locator('audio[aria-label=sound]');
    await expect
      .poll(() => sound.evaluate((audio) => (audio as unknown as { readonly duration: number }).duration))
      .toBe(1);
    expect(ranges[0]).toMatch(/^bytes=0-/);
    expect(await findInaccessibleInBothSchemes(page)).toEqual([]);
    await page.goto(artifact('site'));
    await page.getByRole('button', { name: 'sub/index.html' }).focus();
    await page.keyboard.press('Enter');
    await page
      .locator('iframe[title="sub/index.html"]')
      .contentFrame()
      .getByRole('heading', { name: 'Inside of a directory' })
      .waitFor();
    expect(await findInaccessibleInBothSchemes(page)).toEqual([]);
    await page.getByRole('combobox', { name: 'Show as' }).selectOption('text');
    await page.getByText('<h1>Inside of a directory</h1>').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a report holds the document, and the document holds still', async () => {
    const path = join(project.directory, 'report.html');
    const { code, stderr } = await runPipeline(['report', run, '-o', path], { cwd: project.directory });
    expect(code, stderr).toBe(0);
    const { page } = await openBrowser({ link: pathToFileURL(path).href });
    const dialogs = dialogsOf(page);
    await page
      .getByRole('button', { name: /make/ })
      .or(page.locator('summary', { hasText: 'make' }))
      .first()
      .click();
    const frame = page.locator('iframe[title=page]').contentFrame();
    await frame.getByRole('heading', { name: 'A table of results' }).waitFor();
    await clickAll(frame);
    await expect.poll(() => widthOf(page.getByRole('img', { name: 'drawing' }))).toBe(40);
    expect(new URL(page.url()).protocol).toBe('file:');
    expect(dialogs).toEqual([]);
    expect(heard).toEqual([]);
  });
});
