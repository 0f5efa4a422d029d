import type { Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import type { ProcessIdentity, Store } from '@run-pipeline/core/ports';
import { decodeOwner, encodeOwner } from './rows/owner.js';
import type { WriteBatch } from './write-batch.js';

type Holder = Parameters<Store['claimFingerprint']>[1];
type ClaimResult = Awaited<ReturnType<Store['claimFingerprint']>>;

/**
 * Single flight: who executes a fingerprint while others wait. A claim is taken over once its lease
 * has run out or its holder has released it. The same step of the same run may claim again (it was
 * resumed); another step of that run with equal inputs waits like everybody.
 */
export function claimFingerprint(batch: WriteBatch, fingerprint: Fingerprint, holder: Holder): ClaimResult {
  const held = batch.connection.get(
    'SELECT run, step, owner, lease_until FROM flights WHERE fingerprint = ?',
    fingerprint,
  ) as [RunId, StepName, string, number] | undefined;
  if (held !== undefined) {
    const [run, step, owner, leaseUntil] = held;
    const own = run === holder.run && step === holder.step;
    if (leaseUntil > batch.now && !own)
      return { ok: false, run, step, owner: decodeOwner(owner) satisfies ProcessIdentity };
  }
  batch.connection.run(
    'INSERT OR REPLACE INTO flights (fingerprint, run, step, owner, lease_until) VALUES (?, ?, ?, ?, ?)',
    fingerprint,
    holder.run,
    holder.step,
    encodeOwner(holder.owner),
    batch.now + holder.leaseMs,
  );
  return { ok: true };
}

export function heartbeatFingerprints(batch: WriteBatch, run: RunId, leaseMs: number): void {
  batch.connection.run('UPDATE flights SET lease_until = ? WHERE run = ?', batch.now + leaseMs, run);
}

export function releaseFingerprint(
  batch: WriteBatch,
  fingerprint: Fingerprint,
  run: RunId,
  owner: ProcessIdentity,
): void {
  batch.connection.run(
    'DELETE FROM flights WHERE fingerprint = ? AND run = ? AND owner = ?',
    fingerprint,
    run,
    encodeOwner(owner),
  );
}
