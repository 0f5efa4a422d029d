import { useQuery } from '@tanstack/react-query';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import { ARTIFACT_BYTES } from '@run-pipeline/core/wire';
import { ServerGone } from '../data/api.js';

/** Larger ones are for a program, not for a picture. */
const MOST_BYTES = 8_000_000;

export const isTooLarge = (artifact: ArtifactRecord): boolean => artifact.size > MOST_BYTES;

/** The value of a report that is an artifact; numbers that JSON has not are null in it. */
export function useStoredValue(artifact: ArtifactRecord) {
  return useQuery({
    queryKey: ['stored-value', artifact.hash],
    queryFn: ({ signal }) => readValue(`${ARTIFACT_BYTES}${artifact.hash}`, signal),
    staleTime: Infinity,
    enabled: !isTooLarge(artifact),
  });
}

async function readValue(address: string, signal: AbortSignal): Promise<{ readonly json: unknown }> {
  const response = await fetch(address, { signal, credentials: 'same-origin' }).catch(() => {
    throw new ServerGone();
  });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const parsed: unknown = await response.json();
  return typeof parsed === 'object' && parsed !== null && 'json' in parsed
    ? (parsed as { readonly json: unknown })
    : { json: undefined };
}
