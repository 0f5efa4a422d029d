import { transform } from 'esbuild';

/** The same files, those of TypeScript as JavaScript: a program that starts with tsx costs three times as much. */
export async function inJavaScript(
  files: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const turned = Object.entries(files).map(async ([name, text]) => {
    if (!name.endsWith('.ts')) return [name, text];
    const { code } = await transform(text, { loader: 'ts', target: 'node20' });
    return [name.replace(/\.ts$/, '.js'), code];
  });
  return Object.fromEntries(await Promise.all(turned)) as Readonly<Record<string, string>>;
}
