/** Run as a program of its own with the folder of a build: loads its addon and tries it. */
import { LibTorchError } from '../errors.ts';
import { buildIn } from '../location.ts';
import { useBuild } from '../native.ts';
import { tryAddon } from './try-addon.ts';

try {
  const build = buildIn(process.argv[2]);
  if ('damage' in build) throw new Error(build.damage);
  useBuild(build);
  tryAddon();
} catch (error) {
  const message = error instanceof LibTorchError ? error.what : String(error);
  // One line: the last of stderr is what this program says.
  process.stderr.write(`${message.replaceAll(/\s+/g, ' ')}\n`);
  process.exitCode = 1;
}
