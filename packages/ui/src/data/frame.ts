/**
 * Work that is done once before the next picture, however often it was asked for. A tab that is not
 * shown has no pictures: there it is done twice a second.
 */
export function oncePerFrame(work: () => void): () => void {
  let waiting = false;
  const run = (): void => {
    waiting = false;
    work();
  };
  return () => {
    if (waiting) return;
    waiting = true;
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else setTimeout(run, 500);
  };
}
