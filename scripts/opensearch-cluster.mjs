/**
 * OpenSearch for the tests: fetches it from Maven Central (54 MB, through the machine's own settings of Maven) and compiles the
 * program that starts a cluster of it, packages/quern/test/opensearch.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const oldestJava = 17;

/**
 * Makes it ready, unless it is. Returns why not, or how many seconds it took, 0 where it was ready. `runProgram` runs a program as
 * `spawnSync` does, and does not block.
 */
export async function prepareOpenSearch(folder, runProgram) {
  const target = join(folder, 'target');
  const stampFile = join(target, '.quern-compiled');
  const stamp = createHash('sha256')
    .update(readFileSync(join(folder, 'pom.xml')))
    .update(readFileSync(join(folder, 'src/main/java/cluster/Cluster.java')))
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && isWhole(target)) return 0;
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1]);
  if (!(version >= oldestJava)) return `there is no Java of ${oldestJava} or newer`;
  if (spawnSync('mvn', ['-version']).status !== 0) return 'there is no Maven';
  const started = Date.now();
  rmSync(target, { recursive: true, force: true });
  const classpath = join(target, 'classpath.txt');
  const goals = ['compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`];
  const { status, stdout, stderr, error } = await runProgram('mvn', ['-q', '-B', ...goals], { cwd: folder });
  if (status !== 0) {
    const said = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').find((line) => line.includes('ERROR'));
    return (error?.message ?? said ?? 'Maven failed').trim().slice(0, 300);
  }
  writeFileSync(stampFile, stamp);
  return (Date.now() - started) / 1000;
}

/** Whether what was fetched is still there: it lies in Maven's own folder. */
function isWhole(target) {
  const classpath = join(target, 'classpath.txt');
  return (
    existsSync(classpath) &&
    readFileSync(classpath, 'utf8')
      .trim()
      .split(delimiter)
      .every((path) => existsSync(path))
  );
}
