import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const rooms = ['model', 'graph', 'run-view', 'wire'];

// `scripts/build.mjs` builds with it, into packages/runtime/dist/page. For work on the page:
//
//   node packages/runtime/bin/run-pipeline.js ui --port 4400     the data
//   npx vite packages/ui                                         the page, on its own port
export default defineConfig(({ command }) => ({
  root: here('.'),
  resolve: {
    alias: rooms.map((room) => ({
      find: `@run-pipeline/core/${room}`,
      replacement: here(`../core/src/${room}/index.ts`),
    })),
  },
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  css: { modules: { generateScopedName: command === 'build' ? shortNames() : '[local]_[hash:base64:4]' } },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:4400', changeOrigin: true } } },
  build: {
    outDir: here('../runtime/dist/page'),
    target: 'es2022',
    // Everything is a file of its own: the page's Content-Security-Policy allows no data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // A twentieth smaller than what esbuild makes of it.
    minify: 'terser',
    terserOptions: { ecma: 2022, module: true, compress: { passes: 2 }, format: { comments: false } },
    reportCompressedSize: false,
    rollupOptions: {
      // Small ones together: every file costs a request, and its names once more.
      output: { experimentalMinChunkSize: 3_000 },
      onwarn: (warning, warn) => {
        // "use client" is for servers that render.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
}));

/** `a`, `b` … `a0`: names of classes are a tenth of the page otherwise. */
function shortNames() {
  const known = new Map();
  return (name, file) => {
    const key = `${file.replace(/\?.*$/, '')} ${name}`;
    if (!known.has(key)) known.set(key, `c${known.size.toString(36)}`);
    return known.get(key);
  };
}
