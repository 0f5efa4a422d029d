import type { ArtifactRecord } from '@run-pipeline/core/model';
import type { ArtifactPage, ArtifactPageQuery } from '@run-pipeline/core/wire';
import { bytes } from '../design/amounts.js';
import { downloadHref } from './artifact-source.js';
import { Pager } from './pager.js';
import styles from './artifacts.module.css';

type Window = Pick<ArtifactPageQuery, 'offset' | 'limit'>;

/** Files of a directory: to look into and to download. */
export function FileList(props: {
  readonly page: Extract<ArtifactPage, { readonly kind: 'files' }>;
  readonly artifact: ArtifactRecord;
  readonly window: Window;
  readonly onWindow: (window: Window) => void;
  readonly onOpen: (part: readonly string[]) => void;
}) {
  const { page, artifact, window } = props;
  return (
    <>
      <div className={styles.tableBox}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" className={styles.numeric}>
                Size
              </th>
              <th scope="col">
                <span className={styles.unseen}>Download</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {page.files.map(({ path, size }) => (
              <tr key={path}>
                <td>
                  <button type="button" className={styles.open} onClick={() => props.onOpen([path])}>
                    {path}
                  </button>
                </td>
                <td className={styles.numeric}>{bytes(size)}</td>
                <td>
                  <a href={downloadHref(artifact, path)} download>
                    download
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager
        offset={window.offset ?? 0}
        shown={page.files.length}
        total={page.total}
        size={100}
        what="files"
        onOffset={(offset) => props.onWindow({ ...window, offset })}
      />
    </>
  );
}
