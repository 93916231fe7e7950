import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The pages, built into the package that serves them. All addresses are relative: they work under any path. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../quern/dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Those that know `light-dark()`: of 2024.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // What is written into a page would be refused by the service's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'LICENSES.md' },
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
