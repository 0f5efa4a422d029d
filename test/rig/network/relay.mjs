// Passes connections on: `node relay.mjs LISTEN TARGET [LISTEN TARGET …]`, each `tcp:PORT` (of the loopback) or
// `unix:PATH`. Between network namespaces, which share no loopback but all files. Prints `ready` when all listen.
import { createConnection, createServer } from 'node:net';

const place = (text) => {
  const [, kind, rest] = /^(tcp|unix):(.+)$/.exec(text);
  return kind === 'tcp' ? { host: '127.0.0.1', port: Number(rest) } : { path: rest };
};

const words = process.argv.slice(2);
const pairs = [];
while (words.length > 0) pairs.push(words.splice(0, 2).map(place));
await Promise.all(
  pairs.map(([listen, target]) => {
    const server = createServer({ noDelay: true }, (from) => {
      const to = createConnection({ ...target, noDelay: true });
      from.pipe(to).pipe(from);
      // One side is gone: so is the other, as it would be without a relay.
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      to.on('error', () => from.destroy()).on('close', () => from.destroy());
    });
    return new Promise((resolve, reject) => server.on('error', reject).listen(listen, resolve));
  }),
);
console.log('ready');
