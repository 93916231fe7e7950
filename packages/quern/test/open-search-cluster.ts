import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const project = resolve(import.meta.dirname, 'opensearch');
const target = join(project, 'target');

/** Whether `scripts/setup.mjs --tests` could make OpenSearch ready. */
export const hasOpenSearch = existsSync(join(target, '.quern-compiled'));

/** Three nodes of OpenSearch in one process, on the loopback. */
export class OpenSearchCluster {
  /** The addresses of its nodes. */
  readonly urls: readonly string[];
  readonly #process: ChildProcess;
  readonly #answer: () => Promise<string>;

  private constructor(child: ChildProcess, urls: readonly string[], answer: () => Promise<string>) {
    this.#process = child;
    this.urls = urls;
    this.#answer = answer;
  }

  /** Starts it; its data lies in `folder`. Throws, with the end of what it said, where it does not come up. */
  static async start(folder: string): Promise<OpenSearchCluster> {
    const classes = [join(target, 'classes'), readFileSync(join(target, 'classpath.txt'), 'utf8').trim()];
    // Started often and used for a minute: what the second compiler and parallel collectors bring, they take more for.
    const options = ['-Xms256m', '-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const child = spawn('java', [...options, '-cp', classes.join(delimiter), 'cluster.Cluster', folder], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const answer = async (): Promise<string> => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the cluster has ended: ${said}`);
      return value;
    };
    const [, ...urls] = (await answer()).split(' ');
    return new OpenSearchCluster(child, urls, answer);
  }

  /** The name of an index in it. */
  name(index: string): string {
    return `opensearch:${index}@${this.urls.join(',')}`;
  }

  /** Stops a node; nodes count from 0. */
  stop(node: number): Promise<void> {
    return this.#tell(`stop ${node}`);
  }

  /** Starts a node again, and waits until it holds its part of every index. */
  async startAgain(node: number): Promise<void> {
    await this.#tell(`start ${node}`);
    const query = 'wait_for_status=green&wait_for_nodes=3&timeout=60s';
    const { timed_out: isLate } = await this.ask<{ timed_out: boolean }>(`/_cluster/health?${query}`, {
      node,
    });
    if (isLate) throw new Error('the cluster is not whole again');
  }

  /** The reply of a node to a request. */
  async ask<T>(path: string, { node = 0, body }: { node?: number; body?: object } = {}): Promise<T> {
    const reply = await fetch(this.urls[node]! + path, {
      ...(body && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return (await reply.json()) as T;
  }

  async end(): Promise<void> {
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.stdin!.end('end\n');
    await ended;
  }

  async #tell(command: string): Promise<void> {
    this.#process.stdin!.write(`${command}\n`);
    const answer = await this.#answer();
    if (answer !== `done ${command}`) throw new Error(`the cluster answered ${answer}`);
  }
}
