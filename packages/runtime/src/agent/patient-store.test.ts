import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunPipelineError, taskId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../store/index.js';
import { patience } from './patient-store.js';

/** A real store behind a disk that is full for a while. */
async function open(options: { readonly failures: number; readonly code?: string }) {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-patient-'));
  const store = await openSqliteStore({ file: join(directory, 'state.db') });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });
  let left = options.failures;
  const failing = new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'createQueue') return typeof value === 'function' ? value.bind(target) : value;
      return (name: string) => {
        if (left === 0) return target.createQueue(name);
        left -= 1;
        const error = {
          kind: 'store',
          code: options.code ?? 'disk-full',
          message: 'the disk is full',
        } as const;
        return Promise.reject(new RunPipelineError(error));
      };
    },
  });
  const told: string[] = [];
  const giveUp = new AbortController();
  const patient: Store = patience({
    giveUp: giveUp.signal,
    onTrouble: (message) => {
      told.push(message);
      if (options.failures === Infinity) giveUp.abort();
    },
    onBack: () => told.push('back'),
  })(failing);
  return { store, patient, told, left: () => left };
}

test('what fails for a reason that passes is tried again until it is done, and told once', async () => {
  const it = await open({ failures: 2 });
  await it.patient.createQueue('gpu');
  expect((await it.store.listQueues()).map(({ name }) => name)).toContain('gpu');
  expect(it.told).toEqual(['the disk is full', 'back']);
});

test('what will not pass is told at once; so is what fails when there is no time left', async () => {
  const damaged = await open({ failures: 1, code: 'store-damaged' });
  await expect(damaged.patient.createQueue('gpu')).rejects.toMatchObject({ code: 'store-damaged' });
  expect(damaged.told).toEqual([]);
  const late = await open({ failures: Infinity });
  await expect(late.patient.createQueue('gpu')).rejects.toMatchObject({ code: 'disk-full' });
  expect(late.told).toEqual(['the disk is full']);
});

test('everything else is the store’s own', async () => {
  const it = await open({ failures: 0 });
  const woken = new Promise<void>((resolve) => {
    const unwatch = it.patient.watch(() => {
      unwatch();
      resolve();
    });
  });
  await it.patient.createQueue('gpu');
  await woken;
  expect(await it.patient.readTask(taskId('none'))).toBeUndefined();
});
