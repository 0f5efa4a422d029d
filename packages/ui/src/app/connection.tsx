import { useEffect, useRef, useState } from 'react';
import { Refused } from '../data/api.js';
import { queryClient, useSession } from '../data/queries.js';
import { stream, useLinkState } from '../data/stream/index.js';
import { Banner } from '../design/banner.js';
import { Button } from '../design/button.js';

/** A connection that breaks for less than this is nobody's business. */
const PATIENCE_MS = 600;

/** Says when the server is gone, and reads again what failed when it is back. */
export function Connection() {
  const state = useLinkState();
  const [shown, setShown] = useState(false);
  const session = useSession();
  const wasGone = useRef(false);
  useEffect(() => {
    if (state === 'gone') {
      wasGone.current = true;
      const timer = setTimeout(() => setShown(true), PATIENCE_MS);
      return () => clearTimeout(timer);
    }
    if (state !== 'open') return undefined;
    setShown(false);
    if (wasGone.current) {
      wasGone.current = false;
      // Runs catch up by their sequence numbers; everything else is read again where it is shown.
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'live-run' });
      void queryClient.refetchQueries({ predicate: ({ state }) => state.status === 'error' });
    }
    return undefined;
  }, [state]);
  if (session.error instanceof Refused && session.error.status === 401)
    return (
      <Banner kind="queued" role="status">
        <span>
          <b>This browser is not known to the server.</b> {session.error.help}
        </span>
      </Banner>
    );
  if (!shown) return null;
  return (
    <Banner kind="queued" role="status">
      <span>
        <b>The server is gone.</b> What you see is what was known then. Trying again…
      </span>
      <Button onClick={() => stream.retry()}>Try now</Button>
    </Banner>
  );
}
