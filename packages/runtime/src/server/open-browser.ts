import { spawn } from 'node:child_process';
import { ticketLink, type NotedServer } from './running-server.js';

const PATIENCE_MS = 2_000;

/**
 * Opens a path of the page in the person's browser. False when there is nothing that could: a machine
 * without a desktop, which is no failure.
 */
export async function openInBrowser(
  server: Pick<NotedServer, 'address' | 'origin' | 'token'>,
  path: string,
): Promise<boolean> {
  const link = await ticketLink(server, path);
  if (link === undefined) return false;
  const [command, ...words] = opener(link);
  const child = spawn(command, words, { stdio: 'ignore', detached: true, windowsHide: true });
  return new Promise((settle) => {
    const end = (opened: boolean): void => {
      clearTimeout(timer);
      child.unref();
      settle(opened);
    };
    // A browser that it started itself may stay in the foreground.
    const timer = setTimeout(() => end(true), PATIENCE_MS);
    child.once('error', () => end(false));
    child.once('exit', (code) => end(code === 0));
  });
}

function opener(link: string): readonly [string, ...string[]] {
  if (process.platform === 'darwin') return ['open', link];
  // The empty text is the title of the window, which `start` takes first.
  if (process.platform === 'win32') return ['cmd', '/c', 'start', '""', link.replaceAll('&', '^&')];
  return ['xdg-open', link];
}
