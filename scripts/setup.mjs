/**
 * Makes a checkout ready to run: installs from the lockfile when node_modules is absent or older than it, and builds when
 * a source is newer than the build; with --tests it installs what only tests need, the runtimes in
 * packages/quern/test/runtimes, OpenSearch, and LibTorch with its addon. Steps that do not need each other run at the same time.
 * Does nothing, quickly, when all is fresh. No network but the package registries and, for LibTorch without pip, PyTorch's
 * archive.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareOpenSearch } from './opensearch-cluster.mjs';
import { installRayEngines } from './ray-engines-python.mjs';
import { installTrl } from './trl-python.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Quern needs Node 20.19 or newer; this is ${process.versions.node}.`);
}

/** The processes of steps under way: where one step fails, they end with this program. */
const underWay = new Set();
process.on('exit', () => {
  for (const child of underWay) child.kill();
});

const isTesting = process.argv.includes('--tests');
const runtimesFolder = join(root, 'packages/quern/test/runtimes');
const testRuntimes = isTesting && installTestRuntimes(runtimesFolder);
const testPython = isTesting && installTestPython(join(runtimesFolder, 'python'));
const testCluster = isTesting && makeClusterReady(join(root, 'packages/quern/test/opensearch'));

const installStamp = join(root, 'node_modules', '.quern-installed');
const lock = digest([join(root, 'package-lock.json')]);
if (stamp(installStamp) !== lock) {
  await run('installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(installStamp, lock);
}

const packages = ['packages/libtorch', 'packages/quern'].map((name) => join(root, name));
const sources = digest([
  ...packages.flatMap((folder) => [
    ...files(join(folder, 'src')).filter((path) => !path.endsWith('.test.ts')),
    join(folder, 'package.json'),
    join(folder, 'tsconfig.json'),
  ]),
  ...files(join(root, 'packages/libtorch/native')),
  ...['src', 'public'].flatMap((folder) => files(join(root, 'packages/web', folder))),
  ...['index.html', 'package.json', 'tsconfig.json', 'vite.config.ts'].map((name) =>
    join(root, 'packages/web', name),
  ),
  ...files(join(root, 'packages/quern/kernels')),
  ...files(join(root, 'examples/collection')),
  ...files(join(root, 'engines')),
  join(root, 'package.json'),
  join(root, 'tsconfig.base.json'),
  installStamp,
]);
const builds = packages.map((folder) => ({
  dist: join(folder, 'dist'),
  stamped: join(folder, 'dist', '.quern-built'),
}));
if (builds.some(({ stamped }) => stamp(stamped) !== sources)) {
  for (const { dist } of builds) rmSync(dist, { recursive: true, force: true });
  await run('building', 'npm', ['run', '--silent', 'build']);
  for (const { stamped } of builds) writeFileSync(stamped, sources);
}

if (isTesting) {
  const libtorch = setUpLibTorch();
  await testRuntimes;
  await testCluster;
  // Not before the dependencies are installed, which clears the folder with the links away.
  linkTestRuntimes(runtimesFolder);
  await testPython;
  const environment = join(runtimesFolder, 'python/venv');
  const requirements = join(root, 'engines/requirements');
  const trl = join(requirements, 'trl.txt');
  const skip = 'the tests that need it will skip';
  const noTrl = await installTrl({ environment, requirements: trl, libtorch, runProgram });
  if (noTrl !== undefined) process.stderr.write(`setup: no TRL (${noTrl}): ${skip}\n`);
  const noOthers = installRayEngines({ environment, requirements });
  if (noOthers !== undefined) process.stderr.write(`setup: no OpenRLHF and verl (${noOthers}): ${skip}\n`);
}

/** OpenSearch, where there is Java. */
async function makeClusterReady(folder) {
  const made = await prepareOpenSearch(folder, runProgram);
  if (typeof made === 'string') {
    process.stderr.write(`setup: no OpenSearch (${made}): the tests that need it will skip\n`);
  } else if (made > 0) {
    process.stderr.write(`setup: OpenSearch was made ready in ${made.toFixed(1)} s\n`);
  }
}

/**
 * LibTorch and the addon that calls it, in the default cache: its folder, or undefined. Without them the tests that need them
 * skip.
 */
async function setUpLibTorch() {
  const hasLibTorch = process.env.LIBTORCH || isProgram(process.env.PYTHON || 'python3');
  const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['c++', 'g++', 'clang++'];
  const skip = 'the tests that need it will skip';
  if (!hasLibTorch || !compilers.some(isProgram)) {
    const missing = hasLibTorch ? 'C++ compiler' : 'Python';
    process.stderr.write(`setup: no LibTorch, as there is no ${missing}: ${skip}\n`);
    return undefined;
  }
  const { QUERN_CACHE: _, ...env } = process.env;
  const program = join(root, 'packages/quern/bin/quern.js');
  const { status, stdout } = await runProgram(process.execPath, [program, 'setup', 'torch', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  if (status !== 0) {
    process.stderr.write(`setup: no LibTorch: ${skip}\n`);
    return undefined;
  }
  const { libtorch, version, isNew, milliseconds } = JSON.parse(stdout);
  const made = isNew ? `was made ready in ${(milliseconds / 1000).toFixed(1)} s` : 'is ready';
  process.stderr.write(`setup: LibTorch ${version} ${made}\n`);
  return libtorch;
}

function isProgram(name) {
  return spawnSync(name, ['--version']).status === 0;
}

/** Packages too large for a plain checkout, in a folder of their own. */
async function installTestRuntimes(folder) {
  const installed = join(folder, 'node_modules', '.quern-installed');
  const wanted = digest([join(folder, 'package-lock.json')]);
  if (stamp(installed) !== wanted) {
    // Without its install step onnxruntime-node keeps to the runtime for processors, which comes in the package.
    await run(
      'installing what tests need',
      'npm',
      ['ci', '--no-audit', '--no-fund', '--ignore-scripts'],
      folder,
    );
    writeFileSync(installed, wanted);
  }
}

/** Links by which the package under test finds them. */
function linkTestRuntimes(folder) {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    const link = join(root, 'packages/quern/node_modules', name);
    if (existsSync(link)) continue;
    rmSync(link, { force: true });
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(folder, 'node_modules', name), link, 'junction');
  }
}

/** Python packages in an environment of their own. Without Python, or where they cannot be had, the tests that need them skip. */
async function installTestPython(folder) {
  const requirements = join(folder, 'requirements.txt');
  const environment = join(folder, 'venv');
  const installed = join(environment, '.quern-installed');
  const wanted = digest([requirements]);
  const python = process.platform === 'win32' ? 'python' : 'python3';
  if (stamp(installed) === wanted) return;
  rmSync(environment, { recursive: true, force: true });
  const bin = join(environment, process.platform === 'win32' ? 'Scripts' : 'bin', 'python');
  const steps = [
    [python, ['-m', 'venv', environment]],
    [bin, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]],
  ];
  const started = Date.now();
  process.stderr.write('setup: installing the Python packages that tests need …\n');
  for (const [command, args] of steps) {
    const { status, stderr, error } = await runProgram(command, args);
    if (status === 0) continue;
    const why = (error?.message ?? stderr ?? '').trim().split('\n').at(-1);
    process.stderr.write(`setup: no Python packages (${why}): the tests that need them will skip\n`);
    rmSync(environment, { recursive: true, force: true });
    return;
  }
  writeFileSync(installed, wanted);
  process.stderr.write(
    `setup: installing the Python packages took ${((Date.now() - started) / 1000).toFixed(1)} s\n`,
  );
}

function stamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function files(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.includes('__pycache__'))
    .sort();
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

async function run(what, command, args, cwd = root) {
  const started = Date.now();
  process.stderr.write(`setup: ${what} …\n`);
  const { status, stdout, stderr, error } = await runProgram(command, args, {
    cwd,
    // llama.cpp comes as a prebuilt package; its install step would otherwise look for sources on the network.
    env: { ...process.env, NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' },
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}`);
    fail(`${what} failed${error ? ` (${error.message})` : ''}: ${command} ${args.join(' ')}`);
  }
  process.stderr.write(`setup: ${what} took ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** How a program ended and what it printed, as `spawnSync` says it, while other steps go on. */
function runProgram(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name]?.setEncoding('utf8').on('data', (text) => (printed[name] += text));
    }
    underWay.add(child);
    const end = (ended) => {
      underWay.delete(child);
      done({ ...printed, ...ended });
    };
    child.on('error', (error) => end({ status: null, error }));
    child.on('close', (status) => end({ status }));
  });
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}
