import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { storedJson } from './stored-json.js';

/** Processes are kept as JSON: equal texts are the same process. */
export const encodeOwner = (owner: ProcessIdentity): string => JSON.stringify(owner);
export const decodeOwner = (text: unknown): ProcessIdentity =>
  storedJson(String(text), 'the owner of a run') as ProcessIdentity;
