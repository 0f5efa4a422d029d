import { useEffect } from 'react';

/** The document's title: what is looked at first, since tabs are narrow. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · run-pipeline`;
  }, [title]);
}
