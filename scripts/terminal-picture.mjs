// Draws docs/images/run.svg and refreshes the outputs that stand between `<!-- output: NAME -->` and `<!-- end -->`
// in the pages, from a real run of the example. Times and ids differ from run to run, so it is called by hand:
// `node scripts/terminal-picture.mjs` after what the terminal shows has changed.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const binary = join(root, 'packages/runtime/bin/run-pipeline.js');
const example = 'examples/iris-decorators.ts';

const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-picture-'));
try {
  cpSync(join(root, 'examples'), join(directory, 'examples'), { recursive: true });
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));

  const first = shown(example);
  const second = shown(example);
  edit(example, 'maxDepth: 3', 'maxDepth: 2');
  const plan = shown('plan', example);
  const edited = `${dim('# in step_three: maxDepth 3 becomes 2')}`;

  mkdirSync(join(root, 'docs/images'), { recursive: true });
  writeFileSync(join(root, 'docs/images/run.svg'), picture([first, second, edited, plan].join('\n\n')));
  const outputs = { plan: stripVTControlCharacters(plan) };
  for (const page of ['README.md', 'docs/guide/caching.md']) replaceOutputs(join(root, page), outputs);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The command as a reader types it, and everything it prints. */
function shown(...words) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [binary, ...words], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, FORCE_COLOR: '1' },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return `${dim('$')} npx run-pipeline ${words.join(' ')}\n${`${stdout}${stderr}`.trimEnd()}`;
}

function edit(file, before, after) {
  const path = join(directory, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(before)) throw new Error(`${file} has no ${before}`);
  writeFileSync(path, text.replace(before, after));
}

function replaceOutputs(path, outputs) {
  const text = readFileSync(path, 'utf8');
  const replaced = text.replace(
    /(<!-- output: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, start, name, end) => {
      return `${start}\n\`\`\`\n${outputs[name]}\n\`\`\`\n\n${end}`;
    },
  );
  writeFileSync(path, replaced);
}

function dim(text) {
  return `\u001b[2m${text}\u001b[22m`;
}

/** Text with colours as a picture: one `tspan` for every change of style. */
function picture(text) {
  const lines = text.split('\n');
  const columns = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
  const [advance, leading, margin] = [7.9, 18, 16];
  const width = Math.ceil(columns * advance + 2 * margin);
  const height = lines.length * leading + 2 * margin;
  const rows = lines.map((line, index) => {
    const y = margin + leading * index + 13;
    return `<text x="${margin}" y="${y}" xml:space="preserve">${spans(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal: a first run of the iris example, a second one, and a plan after an edit">
<style>
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d8dee9 }
  .b { font-weight: bold } .d { fill-opacity: 0.62 }
  .c31 { fill: #f07178 } .c32 { fill: #a3d977 } .c33 { fill: #ffcb6b } .c34 { fill: #82aaff } .c35 { fill: #d6a3ff } .c36 { fill: #7fdbee }
</style>
<rect width="100%" height="100%" rx="8" fill="#1b2028"/>
${rows.join('\n')}
</svg>
`;
}

function spans(line) {
  let style = { bold: false, dim: false, colour: undefined };
  let out = '';
  // oxlint-disable-next-line no-control-regex -- colours are control sequences
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) for (const code of codes.split(';')) style = restyled(style, Number(code));
    else if (part !== '') {
      const classes = [style.bold && 'b', style.dim && 'd', style.colour && `c${style.colour}`].filter(
        Boolean,
      );
      const content = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      out += classes.length === 0 ? content : `<tspan class="${classes.join(' ')}">${content}</tspan>`;
    }
  }
  return out;
}

function restyled(style, code) {
  if (code === 0) return { bold: false, dim: false, colour: undefined };
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code >= 31 && code <= 36) return { ...style, colour: code };
  return code === 39 ? { ...style, colour: undefined } : style;
}
