/** What a folder must hold for an addon to be built against it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { libtorchVersion } from '../location.ts';

/** The version that is installed where none is there. */
export const installedVersion = '2.13.0';

/** The oldest version that the addon is built with. */
const oldest = [2, 11] as const;

const library = process.platform === 'darwin' ? 'libtorch_cpu.dylib' : 'libtorch_cpu.so';

/** What an addon needs to be in LibTorch's folder. */
const needed = ['lib', `lib/${library}`, 'include', 'include/ATen', 'include/torch/csrc/api/include'];

/** The version of the LibTorch in a folder, or what is wrong with it: what it lacks, or that it is too old. */
export function libtorchIn(folder: string): { readonly version: string } | { readonly problem: string } {
  if (!isFolder(folder)) return { problem: 'it is no folder' };
  const lacks = needed.find((path) => !existsSync(join(folder, path)));
  if (lacks !== undefined) return { problem: `there is no ${lacks} in it` };
  const version = libtorchVersion(folder);
  if (version === undefined) {
    return { problem: 'there is no version.py or build-version in it that says its version' };
  }
  const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (!(major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) {
    return { problem: `it is LibTorch ${version}, and ${oldest.join('.')} or newer is needed` };
  }
  return { version };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
