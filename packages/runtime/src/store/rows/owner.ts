import type { ProcessIdentity } from '@run-pipeline/core/ports';

/** Processes are kept as JSON: equal texts are the same process. */
export const encodeOwner = (owner: ProcessIdentity): string => JSON.stringify(owner);
export const decodeOwner = (text: unknown): ProcessIdentity => JSON.parse(String(text)) as ProcessIdentity;
