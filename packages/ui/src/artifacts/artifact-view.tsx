import { useState } from 'react';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import type { ArtifactPageQuery } from '@run-pipeline/core/wire';
import { useResource } from '../data/queries.js';
import { bytes, count, shortHash } from '../design/amounts.js';
import { buttonClass } from '../design/button.js';
import { CopyButton } from '../design/copy-button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { DownloadIcon } from '../design/icons.js';
import { contentQuery, documentHref, downloadHref, shownHref } from './artifact-source.js';
import { FileList } from './file-list.js';
import { TableView } from './table-view.js';
import { TextView } from './text-view.js';
import { TreeView } from './tree-view.js';
import styles from './artifacts.module.css';

type As = 'itself' | 'tree' | 'text';

/** One artifact: what it is, its bytes to download, and a look inside that the server decodes page by page. */
export function ArtifactView({
  artifact,
  bare = false,
}: {
  readonly artifact: ArtifactRecord;
  readonly bare?: boolean;
}) {
  const [as, setAs] = useState<As>('itself');
  /** A part that was opened: a cell of a table, a file of a directory. */
  const [part, setPart] = useState<readonly string[]>();
  const mayBeText = artifact.type === 'file' || artifact.type === 'directory';
  return (
    <article className={styles.artifact} aria-label={artifact.name}>
      {bare ? null : (
        <header className={styles.head}>
          <h3 className={styles.title} title={artifact.name}>
            {artifact.name}
          </h3>
          <span className={styles.facts}>
            {artifact.type} · <span title={`${count(artifact.size)} bytes`}>{bytes(artifact.size)}</span> ·{' '}
            <code title={artifact.hash}>{shortHash(artifact.hash)}</code>
            <CopyButton text={artifact.hash} label="Copy the hash" />
          </span>
          <span className={styles.actions}>
            <select
              aria-label="Show as"
              className={styles.select}
              value={as}
              onChange={({ target }) => setAs(target.value as As)}
            >
              <option value="itself">as it is</option>
              <option value="tree">as a tree</option>
              {mayBeText ? <option value="text">as text</option> : null}
            </select>
            <a className={buttonClass()} href={downloadHref(artifact)} download>
              <DownloadIcon size={14} />
              Download
            </a>
          </span>
        </header>
      )}
      {part === undefined ? null : (
        <p className={styles.crumbs}>
          <button type="button" className={styles.crumb} onClick={() => setPart(undefined)}>
            {artifact.name}
          </button>
          {part.map((key, index) => (
            <span key={index}> › {key}</span>
          ))}
        </p>
      )}
      <Content
        key={`${as} ${JSON.stringify(part)}`}
        artifact={artifact}
        query={{
          ...contentQuery(artifact),
          ...(as === 'itself' ? {} : { as }),
          ...(part === undefined
            ? {}
            : {
                path: JSON.stringify(part),
                ...(artifact.type === 'directory' ? {} : { as: 'tree' as const }),
              }),
        }}
        part={part}
        onOpen={setPart}
      />
    </article>
  );
}

function Content(props: {
  readonly artifact: ArtifactRecord;
  readonly query: ArtifactPageQuery;
  readonly part: readonly string[] | undefined;
  readonly onOpen: (part: readonly string[]) => void;
}) {
  const { artifact, query, part, onOpen } = props;
  const [window, setWindow] = useState<Pick<ArtifactPageQuery, 'offset' | 'limit' | 'sort' | 'descending'>>(
    {},
  );
  const page = useResource(
    'GET /api/artifacts/:hash/page',
    { path: { hash: artifact.hash }, query: { ...query, ...window } },
    // The hash names the content: it never changes.
    { staleTime: Infinity, keep: true },
  );
  if (page.isError)
    return <Failed error={page.error} what="the artifact" onRetry={() => void page.refetch()} small />;
  if (page.data === undefined) return <Loading what={artifact.name} />;
  const { data } = page;
  const path = artifact.type === 'directory' ? part?.[0] : undefined;
  const name = path ?? artifact.name;
  switch (data.kind) {
    case 'table':
      return (
        <TableView
          page={data}
          window={window}
          busy={page.isPlaceholderData}
          onWindow={setWindow}
          onOpen={onOpen}
        />
      );
    case 'tree':
      return (
        <TreeView root={data.node} total={data.total} artifact={artifact} query={query} base={part ?? []} />
      );
    case 'text':
      return <TextView page={data} window={window} onWindow={setWindow} />;
    case 'image':
      return (
        <figure className={styles.figure}>
          <img className={styles.image} src={shownHref(artifact, path)} alt={name} />
        </figure>
      );
    case 'media':
      return (
        <figure className={styles.figure}>
          {data.mime.startsWith('audio/') ? (
            <audio controls preload="metadata" src={shownHref(artifact, path)} aria-label={name} />
          ) : (
            <video
              controls
              preload="metadata"
              className={styles.image}
              src={shownHref(artifact, path)}
              aria-label={name}
            />
          )}
        </figure>
      );
    case 'document':
      // Its answer says the same: no scripts, no forms, no loads, an origin of its own.
      return (
        <iframe className={styles.document} title={name} src={documentHref(artifact, path)} sandbox="" />
      );
    case 'files':
      return (
        <FileList page={data} artifact={artifact} window={window} onWindow={setWindow} onOpen={onOpen} />
      );
    case 'bytes':
      return (
        <EmptyState title="It cannot be shown here" small>
          {data.reason}
        </EmptyState>
      );
    default:
      return data satisfies never;
  }
}
