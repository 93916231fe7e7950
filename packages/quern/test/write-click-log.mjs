/** Runs write-click-log.ts, which says what it does, on every Node: `node packages/quern/test/write-click-log.mjs`. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

await runnerImport(fileURLToPath(new URL('write-click-log.ts', import.meta.url)), { logLevel: 'error' });
