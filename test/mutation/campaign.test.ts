import { expect, test } from 'vitest';
import { campaign, type CampaignSummary } from './campaign.js';

// More of it, and with other seeds: npm run bench:mutate -- --count 500 --seed 7
const SEED = 2;

function expectSound(summary: CampaignSummary): void {
  const { wrongHits, wrongResults, unfounded, refused, needless } = summary;
  expect({ wrongHits, wrongResults, unfounded, refused, needless }).toEqual({
    wrongHits: [],
    wrongResults: [],
    unfounded: [],
    refused: [],
    needless: [],
  });
  expect(summary.edits).toBe(12);
  // Otherwise nothing was decided.
  expect(summary.hits).toBeGreaterThan(12);
  expect(summary.executions).toBeGreaterThan(12);
}

test.concurrent(
  'after 12 random edits of a class every hit is what executing gives',
  async () => expectSound(await campaign({ seed: SEED, count: 12, writing: 'class' })),
  180_000,
);

test.concurrent(
  'after 12 random edits of a controller every hit is what executing gives',
  async () => expectSound(await campaign({ seed: SEED + 1, count: 12, writing: 'controller' })),
  180_000,
);
