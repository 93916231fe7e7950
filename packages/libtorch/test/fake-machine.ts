/** A machine of scripts and almost empty folders, on which setting up can be tried. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const library = process.platform === 'darwin' ? 'libtorch_cpu.dylib' : 'libtorch_cpu.so';

/** The files of a LibTorch, as far as they are looked at; a Python package's or an archive's. */
export function libtorchFiles(
  version: string,
  kind: 'package' | 'archive' = 'package',
): Record<string, string> {
  return {
    [`lib/${library}`]: '',
    'include/ATen/ATen.h': '',
    'include/torch/csrc/api/include/torch/torch.h': '',
    ...(kind === 'package'
      ? { 'version.py': `__version__ = '${version}'\n` }
      : { 'build-version': `${version}\n` }),
  };
}

/** Writes files under a folder and returns it. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: name.startsWith('bin/') ? 0o755 : 0o644 });
  }
  return folder;
}

/** A new folder in `folder` with programs, to be the whole of `PATH`; the scripts are those of a shell. */
export function programs(folder: string, scripts: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(join(folder, 'machine-'));
  mkdirSync(join(made, 'bin'));
  writeFiles(
    made,
    Object.fromEntries(
      Object.entries(scripts).map(([name, text]) => [`bin/${name}`, `#!/bin/sh\n${text}\n`]),
    ),
  );
  return join(made, 'bin');
}

/** A Python that has the package `torch` in a folder, or none. */
export function pythonWith(torch: string | null, more = 'exit 1'): string {
  const answer = JSON.stringify({ version: '3.11.7', torch });
  return `if [ "$1" = -c ]; then echo '${answer}'; exit; fi\n${more}`;
}

/** What a Python does that makes environments in which `pip install` ends as the script `pip` says, `$root` being it. */
export function makesEnvironments(pip: string): string {
  return `
if [ "$2" = venv ]; then
  root="$3"
  /bin/mkdir -p "$root/bin"
  printf '#!/bin/sh\\nroot="%s"\\n%s\\n' "$root" '${pip.replaceAll("'", String.raw`'\''`)}' > "$root/bin/python"
  /bin/chmod +x "$root/bin/python"
  exit
fi
exit 1`;
}

/** A compiler that writes what it is to write; `compile` is what it does before, where it compiles. */
export function compiler(compile = ''): string {
  return `
if [ "$1" = --version ]; then echo 'fake c++ 1.0'; exit; fi
if [ "$1" != -shared ]; then
${compile || ':'}
fi
for argument; do
  if [ "$before" = -o ]; then echo made > "$argument"; fi
  before="$argument"
done`;
}
