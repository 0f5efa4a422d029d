import type { ArtifactRecord } from '@run-pipeline/core/model';
import type { ArtifactPage, TreeNode } from '@run-pipeline/core/wire';
import { bytes, count, shortHash } from '../design/amounts.js';
import look from '../artifacts/artifacts.module.css';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** What an artifact is, and the beginning of what it holds. */
export function ArtifactContent({ artifact }: { readonly artifact: ArtifactRecord }) {
  const { run } = useReportedRun();
  const content = run.content(artifact.hash);
  return (
    <article className={styles.artifact} aria-label={artifact.name}>
      <header className={styles.artifactHead}>
        <h4>{artifact.name}</h4>
        <span className={styles.muted}>
          {artifact.type} · {bytes(artifact.size)} ·{' '}
          <code title={artifact.hash}>{shortHash(artifact.hash)}</code>
          {content === undefined ? '' : partOf(content.page)}
        </span>
      </header>
      {content !== undefined ? (
        <Page {...content} name={artifact.name} />
      ) : artifact.preview === undefined ? null : (
        <pre className={styles.preview}>{artifact.preview}</pre>
      )}
    </article>
  );
}

/** ` · first 50 of 500 rows`. */
function partOf(page: ArtifactPage): string {
  const [shown, total, what] =
    page.kind === 'table'
      ? [page.rows.length, page.total, 'rows']
      : page.kind === 'text'
        ? [page.text === '' ? 0 : page.text.split('\n').length, page.total, 'lines']
        : page.kind === 'files'
          ? [page.files.length, page.total, 'files']
          : page.kind === 'tree'
            ? [page.node.entries?.length ?? page.total, page.total, 'entries']
            : [0, 0, ''];
  return shown < total ? ` · first ${count(shown)} of ${count(total)} ${what}` : '';
}

function Page(props: {
  readonly page: ArtifactPage;
  readonly image?: string;
  readonly document?: string;
  readonly name: string;
}) {
  const { page, name } = props;
  switch (page.kind) {
    case 'table':
      return (
        <div className={styles.tableBox} tabIndex={0} role="group" aria-label={`Rows of ${name}`}>
          <table className={look.table}>
            <thead>
              <tr>
                <th scope="col" className={look.index}>
                  #
                </th>
                {page.columns.map((column, at) => (
                  <th key={at} scope="col">
                    {column === '' ? '(no name)' : column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {page.rows.map(({ index, cells }) => (
                <tr key={index}>
                  <td className={look.index}>{index}</td>
                  {cells.map((cell, at) => (
                    <td key={at} title={typeof cell === 'string' ? cell : undefined}>
                      {cell === null ? <span className={look.nothing}>null</span> : String(cell)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case 'tree':
      return (
        <ul className={styles.tree}>
          <Node label={undefined} node={page.node} />
        </ul>
      );
    case 'text':
      return (
        <pre className={styles.preview} tabIndex={0} role="group" aria-label={`Text of ${name}`}>
          {page.text === '' ? 'Empty.' : page.text}
        </pre>
      );
    case 'image':
      return props.image === undefined ? (
        <p className={styles.muted}>It is too large for a report.</p>
      ) : (
        <img className={styles.image} src={props.image} alt={name} />
      );
    case 'media':
      return <p className={styles.muted}>Sound and films are not in a report.</p>;
    case 'document':
      return props.document === undefined ? (
        <p className={styles.muted}>It is too large for a report.</p>
      ) : (
        <iframe className={styles.document} title={name} srcDoc={props.document} sandbox="" />
      );
    case 'files':
      return (
        <ul className={styles.tree}>
          {page.files.map(({ path, size }) => (
            <li key={path}>
              {path} <span className={look.type}>{bytes(size)}</span>
            </li>
          ))}
        </ul>
      );
    case 'bytes':
      return <p className={styles.muted}>{page.reason}</p>;
    default:
      return page satisfies never;
  }
}

/** A value, as deep as the report holds it. */
function Node({ label, node }: { readonly label: string | undefined; readonly node: TreeNode }) {
  return (
    <li>
      {label === undefined ? null : <span className={look.key}>{label}</span>}
      {node.value !== undefined ? (
        <span className={typeof node.value === 'string' ? look.string : look.number}>
          {node.value === '' ? 'empty text' : String(node.value)}
        </span>
      ) : (
        <span className={look.type}>
          {node.type}
          {node.size === undefined ? '' : ` (${count(node.size)})`}
        </span>
      )}
      {node.entries === undefined || node.entries.length === 0 ? null : (
        <ul className={look.children}>
          {node.entries.map(({ key, label: shown, node: child }) => (
            <Node key={key} label={shown ?? key} node={child} />
          ))}
        </ul>
      )}
    </li>
  );
}
