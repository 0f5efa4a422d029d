import { count, metric, plainValue } from '../design/amounts.js';
import styles from './plots.module.css';

/** So many rows are looked at; the rest is in the artifact. */
const MOST_ROWS = 200;

export interface ReportedRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** The rows of a table that was reported. */
export function ReportedTable({ table, label }: { readonly table: ReportedRows; readonly label: string }) {
  return (
    <div className={styles.tableBox} tabIndex={0} role="group" aria-label={label}>
      <table className={styles.reported}>
        <thead>
          <tr>
            {table.columns.map((column, at) => (
              <th
                key={at}
                scope="col"
                className={typeof table.rows[0]?.[at] === 'number' ? styles.numeric : ''}
              >
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.slice(0, MOST_ROWS).map((row, index) => (
            <tr key={index}>
              {table.columns.map((_, at) => (
                <td
                  key={at}
                  className={typeof row[at] === 'number' ? styles.numeric : ''}
                  title={plainValue(row[at])}
                >
                  {typeof row[at] === 'number' ? metric(row[at]) : plainValue(row[at])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length > MOST_ROWS ? (
        <p className={styles.last}>and {count(table.rows.length - MOST_ROWS)} more rows</p>
      ) : null}
    </div>
  );
}

/** `{ columns, rows }`; undefined: it is something else. */
export function reportedRows(value: unknown): ReportedRows | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { columns, rows } = value as { readonly columns?: unknown; readonly rows?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(rows) || !rows.every(Array.isArray)) return undefined;
  return { columns: columns.map(String), rows: rows as readonly (readonly unknown[])[] };
}
