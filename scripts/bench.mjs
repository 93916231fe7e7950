/** `npm run bench -- NAME`: sets up, compiles bench/ and runs bench/NAME.ts; without a name, says which there are. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const names = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));
const [name, ...rest] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME\nbenchmarks: ${names.join(', ')}`);
  process.exit(2);
}
step(process.execPath, ['scripts/setup.mjs', '--tests']);
step('npx', ['tsc', '-p', 'bench']);
const data = process.env.QUERN_DATA ?? join(root, '../shared/data');
// The simulation, and what is measured against servers that only wait, make their own data.
if (!['pages', 'scaling', 'servers'].includes(name) && !existsSync(data)) {
  console.error(`bench: no data at ${data}; set QUERN_DATA`);
  process.exit(1);
}
step(process.execPath, [join('.bench', `${name}.js`), ...rest], { ...process.env, QUERN_DATA: data });

function step(command, args, env = process.env) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
