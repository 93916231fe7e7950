import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './documents.ts';

/** Writes the programs `npx`, `quern` and `curl` into a folder: this checkout's build, and a curl that fails where HTTP does. */
export function writePrograms(folder: string, curl: string): void {
  mkdirSync(folder, { recursive: true });
  const program = join(checkout, 'packages/quern/bin/quern.js');
  if (!existsSync(join(checkout, 'packages/quern/dist/cli/main.js'))) {
    throw new Error('packages/quern is not built, and these tests run its command line: npm run build');
  }
  const scripts: Readonly<Record<string, string>> = {
    quern: `exec '${process.execPath}' '${program}' "$@"`,
    npx: `[ "$1" = quern ] || { echo "npx would install $1" >&2; exit 1; }\nshift\nexec '${process.execPath}' '${program}' "$@"`,
    curl: `exec '${curl}' --silent --show-error --fail-with-body "$@"`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
}
