import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { finished, type Finished } from '../run-quern.ts';
import { checkout } from './documents.ts';
import type { Place } from './place.ts';
import { rewritings } from './stand-ins.ts';

/** A command that serves until it is stopped. */
interface ServerCommand {
  readonly matches: RegExp;
  /** The port that it takes by default. */
  readonly port: number;
  /** What tells that it is there. */
  readonly asks: string;
  /** Whether it is what a document asks later on, when its section is over. */
  readonly stands: boolean;
}

export const serverCommands: readonly ServerCommand[] = [
  { matches: /quern serve(?! token)/, port: 8080, asks: '/readyz', stands: true },
  { matches: /quern mcp.* --http/, port: 8080, asks: '/readyz', stands: false },
  { matches: /quern reward serve/, port: 8700, asks: '/healthz', stands: true },
  { matches: /quern train watch/, port: 7870, asks: '/', stands: false },
];

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Finished>;
  readonly port: number;
  /** As of its command. */
  readonly stands: boolean;
}

/** Somebody who follows a document, in a folder of their own: types its commands, saves its files, leaves servers running. */
export class Reader {
  readonly folder: string;
  readonly #place: Place;
  readonly #env: Record<string, string>;
  /** By the ports that the document has them on. */
  readonly #servers = new Map<number, Running>();
  /** What is started where nothing listens on a port that the document asks. */
  readonly #standing = new Map<number, string>();
  #section = '';

  constructor(place: Place, folder: string) {
    this.folder = folder;
    this.#place = place;
    mkdirSync(folder, { recursive: true });
    for (const name of ['examples', 'engines']) {
      cpSync(join(checkout, name), join(folder, name), { recursive: true });
    }
    // What a program of theirs imports; npx and quern are those of the place.
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'), 'junction');
    this.#env = { ...place.environment, PATH: [place.programs, process.env['PATH']].join(delimiter) };
  }

  /** Goes on to a section of the document; what was started in another is stopped, but for what the document goes on to ask. */
  async goOnTo(section: string): Promise<void> {
    if (section !== this.#section) await this.#stopServers(({ stands }) => !stands);
    this.#section = section;
  }

  /** Types a command. A server is waited for, and runs on. Throws, with what it said, where it fails. */
  async type(command: string): Promise<void> {
    await this.#place.putFixtures(command, this.folder);
    const server = serverCommands.find(({ matches }) => matches.test(command));
    if (server) {
      if (server.stands) this.#standing.set(portOf(command), command);
      await this.#start(command);
      return;
    }
    const exported = /^export (\w+)=/.exec(command)?.[1];
    const typed = exported === undefined ? command : `${command}\nprintf %s "$${exported}"`;
    const { code, stdout, stderr } = await finished(this.#shell(await this.#rewritten(typed)));
    if (code !== 0) throw new Error(`exited with ${code}: ${stderr}${stdout}`);
    if (exported === undefined) return;
    if (stdout === '') throw new Error(`sets ${exported} to nothing: ${stderr}`);
    this.#env[exported] = stdout;
    // What serves was started without it.
    await this.#stopServers();
  }

  /** Saves a program and runs it. Throws, with what it said, where it fails. */
  async runProgram(source: string): Promise<void> {
    await this.#place.putFixtures(source, this.folder);
    writeFileSync(join(this.folder, 'try.mjs'), await this.#addressed(source));
    const { code, stderr } = await finished(this.#shell('node try.mjs'));
    if (code !== 0) throw new Error(`exited with ${code}: ${stderr}`);
  }

  /** Saves a file of the document. */
  async save(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    writeFileSync(path, await this.#addressed(text));
    return path;
  }

  /** Has a command started where nothing listens on its port that the document asks. */
  async standBy(command: string): Promise<void> {
    const port = portOf(command);
    await this.#stop(port);
    this.#standing.set(port, command);
  }

  async close(): Promise<void> {
    await this.#stopServers();
  }

  #shell(command: string): ChildProcess {
    return spawn('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a server is stopped with the shell that it was started by.
      detached: true,
    });
  }

  /** What is run in place of a command. */
  async #rewritten(command: string): Promise<string> {
    let text = command;
    for (const { matches, becomes } of rewritings) text = text.replace(matches, becomes);
    return this.#addressed(text);
  }

  /** A text with the addresses of stand-ins, and of servers that run, in place of those of the document. */
  async #addressed(text: string): Promise<string> {
    let addressed = await this.#place.addressed(text);
    for (const [whole, port] of text.matchAll(
      /http:\/\/(?:localhost|127\.0\.0\.1):(8080|8700|7870)(?=\/|'|"|\s|$)/g,
    )) {
      const found = await this.#listening(Number(port));
      addressed = addressed.replaceAll(whole, `http://127.0.0.1:${found}`);
    }
    return addressed;
  }

  /** The port of what listens for the document on `port`. */
  async #listening(port: number): Promise<number> {
    const running = this.#servers.get(port);
    if (running) return running.port;
    const command = this.#standing.get(port) ?? this.#place.serverAt(port);
    await this.#place.putFixtures(command, this.folder);
    return (await this.#start(command)).port;
  }

  async #start(command: string): Promise<Running> {
    const port = portOf(command);
    await this.#stop(port);
    const free = `${command.replace(/ --port \d+/, '')} --port 0`;
    const child = this.#shell(await this.#place.addressed(free));
    const ended = finished(child);
    const found = await new Promise<number>((listening, failed) => {
      let said = '';
      const hear = (data: Buffer): void => {
        said += data.toString();
        const [, its] = /http:\/\/[^\s/]+:(\d+)/.exec(said) ?? [];
        if (its !== undefined) listening(Number(its));
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      void ended.then(({ code, stderr }) => failed(new Error(`exited with ${code}: ${stderr}`)));
    });
    const { asks, stands } = serverCommands.find(({ matches }) => matches.test(command))!;
    const running = { child, ended, port: found, stands };
    this.#servers.set(port, running);
    for (;;) {
      const { status } = await fetch(`http://127.0.0.1:${found}${asks}`);
      if (status === 200) break;
      // It listens, and still opens what it serves.
      if (status !== 503) throw new Error(`answers ${asks} with ${status}`);
      await wait(50);
    }
    return running;
  }

  async #stopServers(isMeant: (running: Running) => boolean = () => true): Promise<void> {
    const meant = Array.from(this.#servers).filter(([, running]) => isMeant(running));
    await Promise.all(meant.map(([port]) => this.#stop(port)));
  }

  /** Ends what listens for the document on a port, as Ctrl-C does. Throws where it does not end well. */
  async #stop(port: number): Promise<void> {
    const running = this.#servers.get(port);
    if (!running) return;
    this.#servers.delete(port);
    process.kill(-running.child.pid!, 'SIGINT');
    const { code, stderr } = await running.ended;
    if (code !== 0 && code !== 130) throw new Error(`the server ended with ${code}: ${stderr}`);
  }
}

/** The port that the document has a server on. */
function portOf(command: string): number {
  const [, given] = / --port (\d+)/.exec(command) ?? [];
  return given === undefined
    ? serverCommands.find(({ matches }) => matches.test(command))!.port
    : Number(given);
}
