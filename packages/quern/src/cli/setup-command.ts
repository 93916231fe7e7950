import { dirname } from 'node:path';
import { setupLibTorch } from '@quern/libtorch/setup';
import { Command } from 'commander';
import { quernError } from '../models/torch/torch-error.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { durationText, note, print, printJson } from './output.ts';

/** `quern setup torch` */
export function setupCommand(): Command {
  return new Command('setup')
    .description('Make ready on this machine what Quern does not bring along.')
    .addCommand(torchCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ quern setup torch
  $ LIBTORCH=/opt/libtorch quern setup torch`,
    );
}

function torchCommand(): Command {
  return new Command('torch')
    .description('Find or install LibTorch, which trains models, and build the addon that calls it.')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
LibTorch is that in LIBTORCH (its folder), else that of a Python which has PyTorch (PYTHON, python3, python), else that of
the last build, else one that is installed in the cache folder: by pip, or from PyTorch's archive (LIBTORCH_ARCHIVE names a
mirror). Building takes a C++ compiler (CXX, c++, g++, clang++), the headers of Node (NODE_HEADERS) and one to three
minutes. What was built before is kept, and built again where it is damaged. Models run on the LibTorch in LIBTORCH, else
on the last that was set up.

Examples:
  $ quern setup torch
  $ PYTHON=venv/bin/python quern setup torch
  $ LIBTORCH=/opt/libtorch CXX=g++-13 quern setup torch --json`,
    )
    .action(setUpTorch);
}

async function setUpTorch({ json }: { readonly json?: boolean }): Promise<void> {
  const started = performance.now();
  const ready = await setupLibTorch({
    signal: interruptSignal(),
    onStep: (text) => note(`quern: ${text}`),
  }).catch((error: unknown) => {
    throw quernError(error);
  });
  const milliseconds = performance.now() - started;
  if (json) {
    printJson({ ...ready, milliseconds });
    return;
  }
  const { version, libtorch, from, addon, isNew } = ready;
  print(`LibTorch ${version} in ${libtorch} (${from})`);
  const made = isNew ? `built in ${durationText(milliseconds)}` : 'was built before';
  print(`addon in ${dirname(addon)}: ${made}`);
}
