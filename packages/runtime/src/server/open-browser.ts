import { spawn } from 'node:child_process';
import { ticketLink, type NotedServer } from './running-server.js';

/**
 * Opens a path of the page in the person's browser. False when there is nothing that could: a machine
 * without a desktop, which is no failure.
 */
export async function openInBrowser(
  server: Pick<NotedServer, 'address' | 'token'>,
  path: string,
): Promise<boolean> {
  const link = await ticketLink(server, path);
  const [command, ...words] = opener(link);
  const child = spawn(command, words, { stdio: 'ignore', detached: true, windowsHide: true });
  child.unref();
  return new Promise((settle) => {
    child.once('error', () => settle(false));
    child.once('exit', (code) => settle(code === 0));
    // A browser that it started itself may stay in the foreground.
    setTimeout(() => settle(true), 2_000).unref();
  });
}

function opener(link: string): readonly [string, ...string[]] {
  if (process.platform === 'darwin') return ['open', link];
  // The empty text is the title of the window, which `start` takes first.
  if (process.platform === 'win32') return ['cmd', '/c', 'start', '""', link.replaceAll('&', '^&')];
  return ['xdg-open', link];
}
