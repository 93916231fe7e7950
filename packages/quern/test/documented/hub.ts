import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FakeHub } from '../fake-hub.ts';

/** Writes the files of a repository into a folder. */
export type RepositoryWriter = (folder: string) => Promise<void> | void;

/** A hub that has several repositories, each made when it is first asked for. */
export class ManyRepositories {
  readonly endpoint: string;
  readonly #hubs = new Map<string, Promise<FakeHub>>();
  readonly #writers: Readonly<Record<string, RepositoryWriter>>;
  readonly #folder: string;
  readonly #server: Server;

  private constructor(server: Server, writers: Readonly<Record<string, RepositoryWriter>>, folder: string) {
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#writers = writers;
    this.#folder = folder;
    this.#server = server;
    server.on('request', (incoming, outgoing) => void this.#pass(incoming, outgoing));
  }

  /** Starts it; `folder` is for what the writers write. */
  static async start(
    writers: Readonly<Record<string, RepositoryWriter>>,
    folder: string,
  ): Promise<ManyRepositories> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new ManyRepositories(server, writers, folder);
  }

  async stop(): Promise<void> {
    for (const hub of this.#hubs.values()) await (await hub).stop();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = decodeURIComponent(incoming.url ?? '');
    const [, name = ''] = /^(?:\/api\/(?:models|datasets)|\/datasets)?\/([^/]+\/[^/?]+)/.exec(path) ?? [];
    const writer = this.#writers[name];
    if (!writer) {
      outgoing.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
      return;
    }
    const hub = await this.#hub(name, writer);
    const { method, headers } = incoming;
    const passed = request(hub.endpoint + incoming.url, { method, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  }

  #hub(name: string, writer: RepositoryWriter): Promise<FakeHub> {
    const known = this.#hubs.get(name);
    if (known) return known;
    const made = this.#made(name, writer);
    this.#hubs.set(name, made);
    return made;
  }

  async #made(name: string, writer: RepositoryWriter): Promise<FakeHub> {
    const folder = await mkdtemp(join(this.#folder, 'repository-'));
    await writer(folder);
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    const files = names.map((file): [string, Buffer | string] => {
      const content = readFileSync(join(folder, file));
      return [file, /\.(?:json|txt|md)$/.test(file) ? content.toString() : content];
    });
    rmSync(folder, { recursive: true });
    return FakeHub.start(Object.fromEntries(files), name);
  }
}
