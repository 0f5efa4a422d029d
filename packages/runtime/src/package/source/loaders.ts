/** Source files, by how esbuild reads them. */
export const LOADERS: Readonly<Record<string, 'ts' | 'tsx' | 'jsx' | 'js'>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
  '.js': 'jsx',
  '.mjs': 'jsx',
  '.cjs': 'jsx',
};
