import { randomBytes } from 'node:crypto';
import type { Sql } from './connection.js';

/** Made by whoever needs it first; the same for all from then on. */
export async function secretKey(sql: Sql): Promise<Uint8Array> {
  const select = `SELECT value FROM secrets WHERE name = 'environment'`;
  const [found] = await sql.query<readonly [Uint8Array]>(select);
  if (found !== undefined) return found[0];
  await sql.run(`INSERT INTO secrets (name, value) VALUES ('environment', $1) ON CONFLICT DO NOTHING`, [
    randomBytes(32),
  ]);
  const [made] = await sql.query<readonly [Uint8Array]>(select);
  return made![0];
}
