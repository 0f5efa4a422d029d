import type { Graph } from './graph.js';
import { layeredLayout } from './layout.js';

/** What a picture of a graph needs; a `RunView` has it too. Nodes may come in any order. */
export interface DrawnNode {
  readonly name: string;
  readonly parents: readonly string[];
  /** Drawn as a stack. */
  readonly mapped?: boolean;
}

export const GRAPH_FORMATS = ['mermaid', 'dot', 'json', 'svg'] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** The nodes of a graph in its order. */
export function drawnNodes(graph: Graph): readonly DrawnNode[] {
  return graph.order.map((name) => {
    const node = graph.nodes.get(name);
    return { name, parents: node?.parents ?? [], mapped: node?.mapped ?? false };
  });
}

/**
 * A graph as text: Mermaid, Graphviz, `{"nodes":[{"name","parents"}]}`, or a picture of its own. Names
 * are escaped for each of them, whatever they hold. Ends with a line feed.
 *
 * @param options.title Name of the pipeline, for the formats that show one.
 */
export function exportGraph(
  nodes: readonly DrawnNode[],
  format: GraphFormat,
  options: { readonly title?: string } = {},
): string {
  switch (format) {
    case 'mermaid':
      return mermaid(nodes);
    case 'dot':
      return dot(nodes, options.title ?? 'pipeline');
    case 'json':
      return `${JSON.stringify({ nodes: nodes.map(({ name, parents }) => ({ name, parents })) }, null, 2)}\n`;
    case 'svg':
      return svg(nodes, options.title ?? 'pipeline');
    default:
      return format satisfies never;
  }
}

/** Edges as pairs of node numbers; a parent that is not drawn has none. */
function edgesOf(nodes: readonly DrawnNode[]): readonly (readonly [number, number])[] {
  const numbers = new Map(nodes.map((node, index) => [node.name, index]));
  return nodes.flatMap((node, index) =>
    node.parents.flatMap((parent) => {
      const from = numbers.get(parent);
      return from === undefined ? [] : [[from, index] as const];
    }),
  );
}

function mermaid(nodes: readonly DrawnNode[]): string {
  // Every character that could end the label, or that Mermaid would read as markup, as its code.
  const label = (name: string): string =>
    name.replace(/[^\w .()[\]-]/gu, (character) => `#${character.codePointAt(0)};`);
  const lines = nodes.map(({ name, mapped }, index) =>
    mapped === true ? `  n${index}[["${label(name)}"]]` : `  n${index}["${label(name)}"]`,
  );
  const arrows = edgesOf(nodes).map(([from, to]) => `  n${from} --> n${to}`);
  return ['flowchart LR', ...lines, ...arrows, ''].join('\n');
}

function dot(nodes: readonly DrawnNode[], title: string): string {
  // What is printed to a terminal must not control it.
  const quote = (text: string): string =>
    `"${text
      .replace(/["\\]/g, '\\$&')
      .replace(/\r?\n/g, '\\n')
      .replace(/\p{Cc}/gu, '\ufffd')}"`;
  const lines = nodes.map(
    ({ name, mapped }) => `  ${quote(name)}${mapped === true ? ' [peripheries=2]' : ''};`,
  );
  const arrows = edgesOf(nodes).map(
    ([from, to]) => `  ${quote(nodes[from]?.name ?? '')} -> ${quote(nodes[to]?.name ?? '')};`,
  );
  return [
    `digraph ${quote(title)} {`,
    '  rankdir=LR;',
    '  node [shape=box, style=rounded];',
    ...lines,
    ...arrows,
    '}',
    '',
  ].join('\n');
}

const NODE_HEIGHT = 34;
const MARGIN = 16;
/** Pixels a character, generously: fonts differ between viewers. */
const CHARACTER = 8;
const LONGEST_LABEL = 40;
/** Room for the head of an arrow. */
const ARROW = 5;

function svg(nodes: readonly DrawnNode[], title: string): string {
  const labels = nodes.map(({ name }) => {
    const characters = [...name];
    return characters.length > LONGEST_LABEL ? `${characters.slice(0, LONGEST_LABEL - 1).join('')}…` : name;
  });
  const widths = labels.map((label) => Math.max(60, [...label].length * CHARACTER + 24));
  const layout = layeredLayout(edgesOf(nodes), { widths, height: NODE_HEIGHT, gapX: 56, gapY: 18 });
  const ends = edgesOf(nodes);
  const lines = layout.edges.map((points, index) => {
    const [from, to] = ends[index] ?? [0, 0];
    const start = (points[0]?.x ?? 0) + (widths[from] ?? 0) / 2;
    const end = (points.at(-1)?.x ?? 0) - (widths[to] ?? 0) / 2 - ARROW;
    // Between the boxes only: a point inside of one would turn the arrow round.
    const path = points.map(({ x, y }) => ({ x: Math.min(Math.max(x, start), end), y }));
    return `    <path d="${curve(path)}"/>`;
  });
  const boxes = nodes.map(({ name, mapped }, index) => {
    const { x, y } = layout.nodes[index] ?? { x: 0, y: 0 };
    const width = widths[index] ?? 0;
    const rect = (offset: number): string =>
      `<rect x="${round(x - width / 2 + offset)}" y="${round(y - NODE_HEIGHT / 2 - offset)}" width="${width}" height="${NODE_HEIGHT}" rx="7"/>`;
    const text = `<text x="${round(x)}" y="${round(y)}">${escapeXml(labels[index] ?? '')}</text>`;
    return `    <g><title>${escapeXml(name)}</title>${mapped === true ? rect(4) : ''}${rect(0)}${text}</g>`;
  });
  const width = round(layout.width + 2 * MARGIN);
  const height = round(layout.height + 2 * MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `  <title>${escapeXml(title)}</title>`,
    '  <style>',
    '    rect { fill: #f6f8fa; stroke: #57606a; } text { font: 13px system-ui, sans-serif; fill: #1f2328; text-anchor: middle; dominant-baseline: central; }',
    '    path { fill: none; stroke: #8c959f; stroke-width: 1.5; marker-end: url(#arrow); }',
    '    @media (prefers-color-scheme: dark) { rect { fill: #161b22; stroke: #8b949e; } text { fill: #e6edf3; } }',
    '  </style>',
    '  <defs><marker id="arrow" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="7" markerHeight="7" orient="auto"><polygon points="0,0 8,4 0,8" fill="#8c959f"/></marker></defs>',
    `  <g transform="translate(${MARGIN} ${MARGIN})">`,
    ...lines,
    ...boxes,
    '  </g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Level at every point, straight between points of one height. */
function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points
    .map((point, index) => {
      const last = points[index - 1];
      if (last === undefined) return `M${round(point.x)} ${round(point.y)}`;
      if (last.y === point.y) return last.x === point.x ? '' : `H${round(point.x)}`;
      const middle = round((last.x + point.x) / 2);
      return `C${middle} ${round(last.y)} ${middle} ${round(point.y)} ${round(point.x)} ${round(point.y)}`;
    })
    .join('');
}

const round = (value: number): number => Math.round(value * 10) / 10;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** XML has no way at all to write lone surrogates and most control characters. */
const escapeXml = (text: string): string =>
  text
    .replace(/[\p{Cs}\ufffe\uffff]|(?![\t\n\r])\p{Cc}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
