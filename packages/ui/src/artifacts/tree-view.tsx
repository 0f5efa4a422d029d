import { useState } from 'react';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import type { ArtifactPageQuery, TreeNode } from '@run-pipeline/core/wire';
import { useResource } from '../data/queries.js';
import { count } from '../design/amounts.js';
import { ChevronIcon } from '../design/icons.js';
import styles from './artifacts.module.css';

interface Place {
  readonly artifact: ArtifactRecord;
  readonly query: ArtifactPageQuery;
}

/** A value as a tree. Children are read when they are opened. */
export function TreeView(
  props: Place & { readonly root: TreeNode; readonly total: number; readonly base: readonly string[] },
) {
  return (
    <ul className={styles.tree} aria-label="Value">
      <Node {...props} label={undefined} node={props.root} path={props.base} open />
    </ul>
  );
}

function Node(
  props: Place & {
    readonly label: string | undefined;
    readonly node: TreeNode;
    readonly path: readonly string[];
    readonly open?: boolean;
  },
) {
  const { node, label, path } = props;
  const [open, setOpen] = useState(props.open === true);
  const isLeaf =
    node.value !== undefined || node.size === undefined || (node.size === 0 && node.entries === undefined);
  const name = label === undefined ? null : <span className={styles.key}>{label}</span>;
  if (isLeaf)
    return (
      <li className={styles.leaf}>
        {name}
        <Leaf node={node} />
      </li>
    );
  return (
    <li>
      <button type="button" aria-expanded={open} className={styles.branch} onClick={() => setOpen(!open)}>
        <ChevronIcon size={12} className={open ? (styles.down ?? '') : ''} />
        {name}
        <span className={styles.type}>
          {node.type} <span>({count(node.size ?? 0)})</span>
        </span>
      </button>
      {open ? <Children {...props} path={path} /> : null}
    </li>
  );
}

/** So many children are read together. */
const PAGE = 100;

function Children(props: Place & { readonly node: TreeNode; readonly path: readonly string[] }) {
  const { node, path } = props;
  const [pages, setPages] = useState(1);
  const total = node.size ?? 0;
  const known = node.entries;
  return (
    <ul className={styles.children}>
      {Array.from({ length: pages }, (_, index) =>
        index === 0 && known !== undefined ? (
          <Entries key={index} {...props} entries={known} path={path} />
        ) : (
          <ReadEntries
            key={index}
            {...props}
            path={path}
            offset={known === undefined ? index * PAGE : known.length + (index - 1) * PAGE}
          />
        ),
      )}
      {(known === undefined ? pages * PAGE : known.length + (pages - 1) * PAGE) < total ? (
        <li>
          <button type="button" className={styles.more} onClick={() => setPages(pages + 1)}>
            more of {count(total)}
          </button>
        </li>
      ) : null}
    </ul>
  );
}

function ReadEntries(props: Place & { readonly path: readonly string[]; readonly offset: number }) {
  const { artifact, query, path, offset } = props;
  const page = useResource(
    'GET /api/artifacts/:hash/page',
    {
      path: { hash: artifact.hash },
      query: { ...query, as: 'tree', path: JSON.stringify(path), offset, limit: PAGE },
    },
    { staleTime: Infinity },
  );
  if (page.isError) return <li className={styles.failed}>{page.error.message}</li>;
  if (page.data === undefined) return <li className={styles.type}>…</li>;
  if (page.data.kind !== 'tree') return <li className={styles.failed}>it cannot be opened</li>;
  return <Entries {...props} entries={page.data.node.entries ?? []} path={path} />;
}

function Entries(
  props: Place & { readonly entries: NonNullable<TreeNode['entries']>; readonly path: readonly string[] },
) {
  return props.entries.map(({ key, label, node }) => (
    <Node
      key={key}
      artifact={props.artifact}
      query={props.query}
      label={label ?? key}
      node={node}
      path={[...props.path, key]}
    />
  ));
}

function Leaf({ node }: { readonly node: TreeNode }) {
  const { value, type } = node;
  if (value === undefined || value === null)
    return <span className={styles.nothing}>{type === 'null' || value === null ? 'null' : type}</span>;
  if (typeof value === 'string' && type === 'string')
    return (
      <span className={styles.string}>
        {value === '' ? 'empty text' : value}
        {node.size !== undefined && node.size > value.length ? (
          <span className={styles.type}> … {count(node.size)} characters</span>
        ) : null}
      </span>
    );
  return (
    <span className={typeof value === 'number' ? styles.number : styles.boolean}>
      {String(value)}
      {typeof value === 'string' ? <span className={styles.type}> {type}</span> : null}
    </span>
  );
}
