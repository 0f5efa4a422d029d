import type { ArtifactPage, ArtifactPageQuery, Cell } from '@run-pipeline/core/wire';
import { cx } from '../design/class-names.js';
import { DownIcon, UpIcon } from '../design/icons.js';
import { Pager } from './pager.js';
import styles from './artifacts.module.css';

type Page = Extract<ArtifactPage, { readonly kind: 'table' }>;
type Window = Pick<ArtifactPageQuery, 'offset' | 'limit' | 'sort' | 'descending'>;

export const PAGE_ROWS = 100;

/** Rows of a table as the server pages and sorts them. */
export function TableView(props: {
  readonly page: Page;
  readonly window: Window;
  readonly busy: boolean;
  readonly onWindow: (window: Window) => void;
  readonly onOpen: (part: readonly string[]) => void;
}) {
  const { page, window } = props;
  const sortBy = (column: string): void => {
    if (window.sort !== column) props.onWindow({ sort: column });
    else if (window.descending === undefined) props.onWindow({ sort: column, descending: '1' });
    else props.onWindow({});
  };
  const numeric = page.columns.map(
    (_, at) =>
      page.rows.every(({ cells }) => cells[at] === null || typeof cells[at] === 'number') &&
      page.rows.some(({ cells }) => typeof cells[at] === 'number'),
  );
  return (
    <>
      <div
        className={cx(styles.tableBox, props.busy && styles.busy)}
        tabIndex={0}
        role="group"
        aria-label="Rows"
      >
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col" className={styles.index}>
                #
              </th>
              {page.columns.map((column, at) => (
                <th
                  key={`${at} ${column}`}
                  scope="col"
                  className={cx(numeric[at] && styles.numeric)}
                  aria-sort={
                    window.sort !== column
                      ? 'none'
                      : window.descending === undefined
                        ? 'ascending'
                        : 'descending'
                  }
                >
                  <button type="button" className={styles.sort} title={column} onClick={() => sortBy(column)}>
                    <span>{column === '' ? '(no name)' : column}</span>
                    {window.sort !== column ? null : window.descending === undefined ? (
                      <UpIcon size={11} />
                    ) : (
                      <DownIcon size={11} />
                    )}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {page.rows.map(({ index, cells }) => (
              <tr key={index}>
                <td className={styles.index}>{index}</td>
                {cells.map((cell, at) => (
                  <td
                    key={at}
                    className={cx(numeric[at] && styles.numeric)}
                    title={typeof cell === 'string' ? cell : undefined}
                  >
                    <CellText
                      cell={cell}
                      onOpen={() => props.onOpen([String(index), page.columns[at] ?? ''])}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager
        offset={window.offset ?? 0}
        shown={page.rows.length}
        total={page.total}
        size={PAGE_ROWS}
        what="rows"
        onOffset={(offset) => props.onWindow({ ...window, offset })}
      />
    </>
  );
}

/** Text that stands for something larger is opened. */
function CellText({ cell, onOpen }: { readonly cell: Cell; readonly onOpen: () => void }) {
  if (cell === null) return <span className={styles.nothing}>null</span>;
  if (typeof cell === 'boolean') return <span className={styles.boolean}>{String(cell)}</span>;
  if (typeof cell === 'number') return <>{String(cell)}</>;
  if (cell.length >= 60 || /^[[{]/.test(cell))
    return (
      <button type="button" className={styles.open} title={cell} onClick={onOpen}>
        {cell}
      </button>
    );
  return <>{cell}</>;
}
