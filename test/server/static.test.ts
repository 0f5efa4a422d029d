import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PageServer } from '../rig/page-server.js';
import { scratch } from '../rig/scratch.js';

test('the page is served without a session, under every address inside it, and holds no inline script', async () => {
  const server = await PageServer.start({ cwd: scratch({}).directory });
  const page = await server.ask('GET', '/', { session: 'none' });
  expect(page.status).toBe(200);
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
  });
  for (const [script, content] of page.text.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g))
    expect([script, content!.trim()]).toEqual([script, '']);
  expect(page.text).not.toMatch(/\son\w+=|javascript:|<style/);
  for (const path of [
    '/runs/01abc?view=graph&step=score%5B0%5D',
    '/compare?runs=a,b',
    '/tasks/01abc.step_one',
    '/queues',
    '/p/my.project',
  ]) {
    const inside = await server.ask('GET', path, { session: 'none' });
    expect([path, inside.status, inside.text === page.text]).toEqual([path, 200, true]);
  }
});

test('its files never change under their names, and come packed to who takes that', async () => {
  const server = await PageServer.start({ cwd: scratch({}).directory });
  const page = await server.ask('GET', '/', { session: 'none' });
  const assets = [...page.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  expect(assets.length).toBeGreaterThan(1);
  for (const path of assets) {
    const plain = await server.ask('GET', path, { session: 'none' });
    expect([path, plain.status]).toEqual([path, 200]);
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-type']).toMatch(/^(?:text\/(?:javascript|css)|image\/)/);
    const packed = await server.ask('GET', path, {
      session: 'none',
      headers: { 'accept-encoding': 'gzip, br' },
    });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
  }
  const missing = await server.ask('GET', '/assets/none-12345678.js', { session: 'none' });
  expect(missing.status).toBe(404);
  const head = await server.ask('HEAD', assets[0]!, { session: 'none' });
  expect([head.status, head.bytes.length]).toEqual([200, 0]);
});
