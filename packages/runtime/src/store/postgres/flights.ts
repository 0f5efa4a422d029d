import { setImmediate as nextTick } from 'node:timers/promises';
import type { Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { decodeOwner, encodeOwner } from '../rows/owner.js';
import type { Connection, Sql } from './connection.js';

type Holder = Parameters<Store['claimFingerprint']>[1];
type ClaimResult = Awaited<ReturnType<Store['claimFingerprint']>>;

interface Waiting {
  readonly holder: Holder;
  readonly resolve: (result: ClaimResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Claims of one statement. */
const MAX_CLAIMS = 256;

/**
 * Single flight: who executes a fingerprint while others wait. A claim is taken over once its lease
 * has run out or its holder has released it. The same step of the same run may claim again (it was
 * resumed); another step of that run with equal inputs waits like everybody.
 *
 * What is claimed in one moment is claimed by one statement, in the order of the fingerprints: two runs of
 * a pipeline claim the same ones, and would wait for each other. It may be done twice, should the connection
 * be lost; what the crash of a server takes back is executed by another one as well, which costs time alone.
 */
export class Flights {
  readonly #connection: Connection;
  readonly #waiting = new Map<Fingerprint, Waiting[]>();
  #draining: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  claim(fingerprint: Fingerprint, holder: Holder): Promise<ClaimResult> {
    return new Promise((resolve, reject) => {
      const waiting = { holder, resolve, reject };
      const others = this.#waiting.get(fingerprint);
      if (others === undefined) this.#waiting.set(fingerprint, [waiting]);
      else others.push(waiting);
      this.#draining ??= this.#drain();
    });
  }

  async settled(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  async #drain(): Promise<void> {
    await nextTick();
    while (this.#waiting.size > 0) {
      const claims = this.#take();
      try {
        await this.#settle(claims);
      } catch (error) {
        for (const { reject } of claims.values()) reject(error);
      }
    }
    this.#draining = undefined;
  }

  /** One of each fingerprint: the next one of it is another matter. */
  #take(): Map<Fingerprint, Waiting> {
    const claims = new Map<Fingerprint, Waiting>();
    for (const [fingerprint, waiting] of this.#waiting) {
      if (claims.size === MAX_CLAIMS) break;
      claims.set(fingerprint, waiting.shift()!);
      if (waiting.length === 0) this.#waiting.delete(fingerprint);
    }
    return claims;
  }

  async #settle(claims: Map<Fingerprint, Waiting>): Promise<void> {
    while (claims.size > 0) {
      const { taken, held } = await this.#connection.renew((sql) => claimAll(sql, claims));
      for (const fingerprint of taken) {
        claims.get(fingerprint)?.resolve({ ok: true });
        claims.delete(fingerprint);
      }
      for (const { fingerprint, ...holder } of held) {
        claims.get(fingerprint)?.resolve({ ok: false, ...holder });
        claims.delete(fingerprint);
      }
      // What is left was refused and released since: once more.
    }
  }
}

async function claimAll(
  sql: Sql,
  claims: ReadonlyMap<Fingerprint, Waiting>,
): Promise<{
  readonly taken: readonly Fingerprint[];
  readonly held: readonly {
    readonly fingerprint: Fingerprint;
    readonly run: RunId;
    readonly step: StepName;
    readonly owner: ReturnType<typeof decodeOwner>;
  }[];
}> {
  const all = [...claims];
  const rows = await sql.query<readonly [Fingerprint]>(
    `INSERT INTO flights AS f (fingerprint, run, step, owner, lease_until)
     SELECT fingerprint, run, step, owner, ${sql.clock} + lease_ms
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
       AS new (fingerprint, run, step, owner, lease_ms) ORDER BY fingerprint
     ON CONFLICT (fingerprint) DO UPDATE SET
       run = excluded.run, step = excluded.step, owner = excluded.owner, lease_until = excluded.lease_until
     WHERE f.lease_until <= ${sql.clock} OR (f.run = excluded.run AND f.step = excluded.step)
     RETURNING fingerprint`,
    [
      all.map(([fingerprint]) => fingerprint),
      all.map(([, { holder }]) => holder.run),
      all.map(([, { holder }]) => holder.step),
      all.map(([, { holder }]) => encodeOwner(holder.owner)),
      all.map(([, { holder }]) => holder.leaseMs),
    ],
  );
  const taken = rows.map(([fingerprint]) => fingerprint);
  if (taken.length === all.length) return { taken, held: [] };
  const got = new Set(taken);
  const refused = all.flatMap(([fingerprint]) => (got.has(fingerprint) ? [] : [fingerprint]));
  const held = await sql.query<readonly [Fingerprint, RunId, StepName, string]>(
    'SELECT fingerprint, run, step, owner FROM flights WHERE fingerprint = ANY ($1::text[])',
    [refused],
  );
  return {
    taken,
    held: held.map(([fingerprint, run, step, owner]) => ({
      fingerprint,
      run,
      step,
      owner: decodeOwner(owner),
    })),
  };
}

/** In the order in which they are claimed. */
export async function heartbeatFingerprints(sql: Sql, run: RunId, leaseMs: number): Promise<void> {
  await sql.run(
    `UPDATE flights SET lease_until = ${sql.clock} + $2 WHERE fingerprint IN
       (SELECT fingerprint FROM flights WHERE run = $1 ORDER BY fingerprint FOR UPDATE)`,
    [run, leaseMs],
  );
}
