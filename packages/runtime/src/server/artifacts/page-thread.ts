import { parentPort } from 'node:worker_threads';
import { openArtifact, type OpenArtifact } from './open-artifact.js';
import type { PageAnswer, PageRequest } from './page-request.js';

/**
 * The thread that decodes artifacts for the page: a large one takes seconds, which the server's own
 * thread does not have. What was decoded last is kept, by size.
 */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_OPEN = 16;

const opened = new Map<string, { readonly artifact: Promise<OpenArtifact>; readonly size: number }>();

parentPort?.on('message', (request: PageRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});

async function answer(request: PageRequest): Promise<PageAnswer> {
  try {
    const artifact = await recent(request);
    return { id: request.id, page: await artifact.page(request.query) };
  } catch (error) {
    return { id: request.id, error: error instanceof Error ? error.message : String(error) };
  }
}

function recent(request: PageRequest): Promise<OpenArtifact> {
  const { hash, type, codecVersion, fileName, mime, asText, size } = request;
  const key = JSON.stringify([hash, type, codecVersion, fileName, mime, asText]);
  let known = opened.get(key);
  if (known === undefined) {
    known = { artifact: openArtifact(request), size };
    known.artifact.catch(() => opened.delete(key));
  }
  opened.delete(key);
  opened.set(key, known);
  forgetOldest();
  return known.artifact;
}

/** The newest one stays, however large. */
function forgetOldest(): void {
  let bytes = 0;
  let count = 0;
  for (const [key, { size }] of [...opened].reverse()) {
    bytes += size;
    count++;
    if (count > 1 && (bytes > MOST_BYTES || count > MOST_OPEN)) opened.delete(key);
  }
}
