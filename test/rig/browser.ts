import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';
import { findChromium } from '../../scripts/chromium.mjs';
import { BINARY, startNode } from './command.js';

/** Undefined: the tests of the page are skipped; `scripts/test.mjs` says so, and fails in CI. */
export const CHROMIUM = findChromium();

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The real `run-pipeline ui` over a project's store. */
export interface PageServer {
  /** With the token: opening it makes the session. */
  readonly link: string;
  readonly address: string;
  /** SIGKILL, as if the machine had lost it. */
  kill(): Promise<void>;
}

export async function startPageServer(options: {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: one that is free. */
  readonly port?: number;
  readonly arguments?: readonly string[];
}): Promise<PageServer> {
  const port = options.port === undefined ? [] : ['--port', String(options.port)];
  const child = startNode([BINARY, 'ui', '--json', ...port, ...(options.arguments ?? [])], options);
  let output = '';
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const told = await new Promise<{ readonly url: string; readonly address: string }>((done, fail) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      try {
        done(JSON.parse(output) as { readonly url: string; readonly address: string });
      } catch {
        // Not all of it yet.
      }
    });
    child.once('exit', (code) => fail(new Error(`ui ended with ${code}\n${output}\n${errors}`)));
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  return { link: told.url, address: new URL(told.url).origin, kill };
}

export interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page complained of so far: errors and warnings of the console, exceptions. */
  readonly complaints: readonly string[];
}

let started: Promise<Browser> | undefined;
/** One for all tests of a file: to start one takes longer than most of them. */
const browser = (): Promise<Browser> =>
  (started ??= chromium.launch({ executablePath: CHROMIUM!, args: ARGUMENTS }));
afterAll(async () => {
  const ending = await started;
  started = undefined;
  await ending?.close();
});

/** A browser with a profile of its own that is thrown away, at this link; a server's makes a session. */
export async function openBrowser(server: Pick<PageServer, 'link'>): Promise<Opened> {
  const context = await (
    await browser()
  ).newContext({
    colorScheme: 'light',
    reducedMotion: 'reduce',
    viewport: { width: 1400, height: 860 },
  });
  onTestFinished(() => context.close());
  const complaints: string[] = [];
  const listen = (page: Page): void => {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  };
  context.on('page', listen);
  const page = await context.newPage();
  await page.goto(server.link);
  return { context, page, complaints };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A scheme changes colours, and nothing else that axe looks at. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** What axe finds against WCAG 2.2 AA, one line each. */
export async function findInaccessible(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // As the debugger does it: the page's own policy lets no script in.
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(AXE);
  return page.evaluate(
    async (runOnly) => {
      const { axe } = globalThis as unknown as {
        readonly axe: {
          run(options: object): Promise<{
            readonly violations: readonly {
              readonly id: string;
              readonly help: string;
              readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
            }[];
          }>;
        };
      };
      const { violations } = await axe.run({ runOnly });
      return violations.flatMap(({ id, help, nodes }) =>
        nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${id}: ${help}\n  ${html.slice(0, 200)}\n  ${failureSummary}`),
      );
    },
    rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  );
}

/** The same of a page that is light, and then in the dark; it is left light. */
export async function findInaccessibleInBothSchemes(page: Page): Promise<readonly string[]> {
  const light = await findInaccessible(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await findInaccessible(page, OF_COLOURS);
  await page.emulateMedia({ colorScheme: 'light' });
  return [...light, ...dark.map((found) => `in the dark: ${found}`)];
}
