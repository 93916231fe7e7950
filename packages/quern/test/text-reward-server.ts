/** A server of rewards that depend on what a completion says alone, so that no group is flat but by chance. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from 'vitest';

interface Item {
  readonly completion: string;
}

export class TextRewardServer {
  /** How many batches were asked for. */
  asked = 0;
  /** Awaited before each answer, with the number of the batch from 1 on; what it returns is answered in place of rewards. */
  before: (batch: number) => unknown;
  #server: Server | undefined;
  #port = 0;

  private constructor() {
    this.before = nothing;
  }

  /** Starts one that ends with the tests of the file. */
  static async start(): Promise<TextRewardServer> {
    const started = new TextRewardServer();
    await started.open();
    afterAll(() => started.close());
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Answers again, at the same port, from the first batch on. */
  async open(): Promise<void> {
    this.asked = 0;
    this.before = nothing;
    if (this.#server) return;
    this.#server = createServer((request, response) => {
      const answer = async (): Promise<string> => {
        if (request.method === 'GET') return JSON.stringify({ status: 'ok', reward: 'text' });
        const { items } = JSON.parse(await text(request)) as { items: Item[] };
        this.asked++;
        const other = await this.before(this.asked);
        const rewards = items.map(({ completion }) => ({ reward: rewardOf(completion), parts: {} }));
        return typeof other === 'string' ? other : JSON.stringify({ rewards });
      };
      void answer().then((body) => response.setHeader('Content-Type', 'application/json').end(body));
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Is gone, with all connections. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

function nothing(): undefined {}

function rewardOf(completion: string): number {
  return createHash('sha256').update(completion).digest().readUInt16BE() / 0xffff;
}
