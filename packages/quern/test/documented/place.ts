import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildsFolder } from '@quern/libtorch/setup';
import { FakeOpenAiServer } from '../fake-openai-server.ts';
import { OpenSearchCluster } from '../open-search-cluster.ts';
import { quern } from '../run-quern.ts';
import { fixtures, putFixture, type Fixture } from './fixtures.ts';
import { ManyRepositories } from './hub.ts';
import { writePrograms } from './programs.ts';
import {
  clusterAddress,
  modelRoutes,
  modelServers,
  repositories,
  shortAnswers,
  standingServers,
} from './stand-ins.ts';

/** What all readers share: the programs, the hub, the servers of models, the cluster, and fixtures, each made once. */
export class Place {
  /** The folder of `npx`, `quern` and `curl`. */
  readonly programs: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #hub: ManyRepositories;
  readonly #models = new Map<string, Promise<FakeOpenAiServer>>();
  readonly #made = new Map<string, Promise<string>>();
  #cluster: Promise<OpenSearchCluster> | undefined;

  private constructor(folder: string, hub: ManyRepositories) {
    this.#folder = folder;
    this.#hub = hub;
    this.programs = join(folder, 'programs');
    const given = Object.entries(process.env).filter(
      ([name]) => !/^(?:QUERN|HF|HUGGING|OPENAI|OPENSEARCH)_|^(?:https?|all|no)_proxy$/i.test(name),
    );
    this.environment = {
      ...(Object.fromEntries(given) as Record<string, string>),
      QUERN_CACHE: join(folder, 'cache'),
      QUERN_CONFIG: join(folder, 'quern.json'),
      // What `scripts/setup.mjs --tests` built.
      LIBTORCH_BUILDS: buildsFolder(),
      HF_HOME: join(folder, 'hub'),
      HF_ENDPOINT: hub.endpoint,
      // Several threads for a tiny model wait for each other, and spin meanwhile.
      OMP_NUM_THREADS: '1',
      NO_COLOR: '1',
    };
  }

  /** Prepares it in a folder. */
  static async open(folder: string): Promise<Place> {
    const repositoriesFolder = join(folder, 'repositories');
    mkdirSync(repositoriesFolder, { recursive: true });
    const place = new Place(folder, await ManyRepositories.start(repositories, repositoriesFolder));
    const curl = execFileSync('bash', ['-c', 'command -v curl'], { encoding: 'utf8' }).trim();
    writePrograms(place.programs, curl);
    writeFileSync(place.environment['QUERN_CONFIG'], shortAnswers);
    return place;
  }

  /** A text with the addresses of stand-ins in place of those of model servers and of the cluster. */
  async addressed(text: string): Promise<string> {
    let addressed = text;
    for (const [url] of text.matchAll(modelServers)) {
      addressed = addressed.replaceAll(url, (await this.#modelServer(url)).url);
    }
    if (!text.includes(clusterAddress)) return addressed;
    this.#cluster ??= OpenSearchCluster.start(join(this.#folder, 'cluster'));
    return addressed.replaceAll(clusterAddress, (await this.#cluster).urls[0]);
  }

  /** Puts what a text names into a folder, but for what the text itself makes, and what is there. */
  async putFixtures(text: string, folder: string): Promise<void> {
    for (const fixture of fixtures) {
      if (isTakenBy(text, fixture)) await this.#put(fixture, folder);
    }
  }

  /** The command of the server that the documents suppose on a port. Throws where they suppose none. */
  serverAt(port: number): string {
    const command = standingServers[port];
    if (command !== undefined) return command;
    throw new Error(
      `nothing listens on ${port}: start it before, or add it to standingServers in stand-ins.ts`,
    );
  }

  async #put(fixture: Fixture, folder: string): Promise<void> {
    for (const name of fixture.beside ?? []) await this.#put(fixtureNamed(name), folder);
    const to = join(folder, fixture.name);
    if (!existsSync(to)) putFixture(await this.#fixture(fixture), to);
  }

  #fixture(fixture: Fixture): Promise<string> {
    const known = this.#made.get(fixture.name);
    if (known) return known;
    const made = this.#make(fixture);
    this.#made.set(fixture.name, made);
    return made;
  }

  async #make({ name, make }: Fixture): Promise<string> {
    const path = join(this.#folder, 'fixtures', name);
    mkdirSync(join(path, '..'), { recursive: true });
    await make({
      path,
      quern: async (...args) => {
        const { code, stderr } = await quern(args, { cwd: this.#folder, env: this.environment });
        if (code !== 0)
          throw new Error(`the fixture ${name}: quern ${args.join(' ')} exited with ${code}: ${stderr}`);
      },
      fixture: (other) => this.#fixture(fixtureNamed(other)),
      addressed: (text) => this.addressed(text),
    });
    return path;
  }

  #modelServer(url: string): Promise<FakeOpenAiServer> {
    const known = this.#models.get(url);
    if (known) return known;
    const started = FakeOpenAiServer.start().then((server) => {
      for (const [route, reply] of Object.entries(modelRoutes)) server.routes.set(route, reply);
      return server;
    });
    this.#models.set(url, started);
    return started;
  }

  /** Stops what it started. */
  async close(): Promise<void> {
    for (const server of this.#models.values()) await (await server).stop();
    await (await this.#cluster)?.end();
    await this.#hub.stop();
  }
}

function fixtureNamed(name: string): Fixture {
  return fixtures.find((fixture) => fixture.name === name)!;
}

/** Whether a text takes a fixture: names it, and not only as what is to be written. */
export function isTakenBy(text: string, { name, of }: Pick<Fixture, 'name' | 'of'>): boolean {
  if (of && !of.test(text)) return false;
  const path = name.replaceAll('.', '\\.');
  const taken = new RegExp(`(?<![\\w./-])${path}(?![\\w-]|\\.\\w)`);
  const written = new RegExp(`(?:--(?:out|save|run|html|retrieval)|>) ${path}(?![\\w-]|\\.\\w)`, 'g');
  return taken.test(text.includes('--append') ? text : text.replaceAll(written, ''));
}
