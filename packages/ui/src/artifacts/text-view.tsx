import type { ArtifactPage, ArtifactPageQuery } from '@run-pipeline/core/wire';
import { Pager } from './pager.js';
import styles from './artifacts.module.css';

type Window = Pick<ArtifactPageQuery, 'offset' | 'limit'>;
const PAGE_LINES = 100;

/** Text as it is: never as HTML, whatever it looks like. */
export function TextView(props: {
  readonly page: Extract<ArtifactPage, { readonly kind: 'text' }>;
  readonly window: Window;
  readonly onWindow: (window: Window) => void;
}) {
  const { page, window } = props;
  const size = window.limit ?? PAGE_LINES;
  const shown = page.text === '' ? 0 : page.text.split('\n').length;
  return (
    <>
      <pre className={styles.text} tabIndex={0} aria-label="Text">
        {page.text === '' ? 'Empty.' : page.text}
      </pre>
      <Pager
        offset={window.offset ?? 0}
        shown={Math.min(shown, size)}
        total={page.total}
        size={size}
        what="lines"
        onOffset={(offset) => props.onWindow({ ...window, offset })}
      />
    </>
  );
}
