import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from 'vitest';

/** A reply; undefined closes the connection instead. */
export type FakeReply =
  | {
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly body: unknown;
      /** Whether it breaks off in the middle. */
      readonly breaks?: boolean;
      /** Whether it is never sent. */
      readonly isHeld?: boolean;
    }
  | undefined;

/** A request, as a test looks at it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization?: string;
}

/** What a cluster says of itself. */
export const info = { version: { distribution: 'opensearch', number: '2.19.1' } };

/** A server that answers as `reply` says, and keeps what it was asked. */
export class FakeOpenSearch {
  readonly requests: FakeRequest[] = [];
  readonly #server: Server;

  constructor(reply: (request: FakeRequest, count: number) => FakeReply | Promise<FakeReply>) {
    this.#server = createServer((incoming: IncomingMessage, outgoing) => {
      void text(incoming).then(async (body) => {
        const { method = '', url = '', headers } = incoming;
        const request = { method, path: url.split('?')[0]!, body, authorization: headers.authorization };
        this.requests.push(request);
        const answer = await reply(request, this.requests.length);
        if (!answer) {
          incoming.socket.destroy();
          return;
        }
        if (answer.isHeld) return;
        outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        if (answer.breaks) {
          outgoing.write('{"version"', () => incoming.socket.destroy());
          return;
        }
        outgoing.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
      });
    });
    afterAll(() => new Promise((closed) => this.#server.closeAllConnections() ?? this.#server.close(closed)));
  }

  /** Listens, and gives its address. */
  async url(): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The bodies of its bulk requests: the ids of each. */
  get bulks(): string[][] {
    return this.requests
      .filter(({ path }) => path.endsWith('/_bulk'))
      .map(({ body }) => Array.from(body.matchAll(/"create":\{"_id":"([^"]+)"/g), ([, id]) => id!));
  }
}
