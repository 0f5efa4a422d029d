import type { ArtifactRecord, RunEvent } from '@run-pipeline/core/model';
import { storedJson } from './stored-json.js';

/** One parse of many is twice as fast as many of one; in pieces, since a string has a greatest length. */
export function parseEvents(bodies: readonly string[]): readonly RunEvent[] {
  const events: RunEvent[] = [];
  for (let at = 0; at < bodies.length; at += 1000) {
    for (const event of storedJson(
      `[${bodies.slice(at, at + 1000).join(',')}]`,
      'an event of a run',
    ) as RunEvent[])
      events.push(event);
  }
  return events;
}

/** What `step.end` events say of artifacts, by `artifactKey`. */
export function toldArtifacts(events: readonly RunEvent[]): ReadonlyMap<string, ArtifactRecord> {
  const told = new Map<string, ArtifactRecord>();
  for (const event of events) {
    if (event.type !== 'step.end') continue;
    for (const record of event.artifacts) told.set(artifactKey(record.name, record.hash), record);
  }
  return told;
}

export const artifactKey = (name: string, hash: string): string => `${name} ${hash}`;
