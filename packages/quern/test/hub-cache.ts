import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { resolveModel, type ResolvedModel, type ResolveModelOptions } from '../src/models/hub.ts';
import { sha256, type FakeHub } from './fake-hub.ts';

/** A cache in a folder of its own, and what resolves models of a hub into it. */
export class TestCache {
  readonly path: string;
  readonly #hub: FakeHub;

  constructor(folder: string, hub: FakeHub) {
    this.path = mkdtempSync(join(folder, 'cache-'));
    this.#hub = hub;
  }

  /** Resolves the hub's model, with little patience. */
  resolve({ env, ...options }: ResolveModelOptions = {}, id = this.#hub.repository): Promise<ResolvedModel> {
    return resolveModel(id, {
      timing: { pause: 1, stall: 1000 },
      ...options,
      env: {
        HF_HUB_CACHE: this.path,
        HF_HOME: join(this.path, 'home'),
        HF_ENDPOINT: this.#hub.endpoint,
        ...env,
      },
    });
  }

  /** The path of something in the folder of the hub's repository. */
  repository(...parts: string[]): string {
    return join(this.path, `models--${this.#hub.repository.replace('/', '--')}`, ...parts);
  }

  /** The path of a file's content, or of what there is of it. */
  blob(name: string, suffix: '' | '.incomplete' = ''): string {
    return this.repository('blobs', sha256(this.#hub.file(name).content) + suffix);
  }

  /** All that is in the repository's folder: of a link what it says, of a file its content's SHA-256. */
  tree(): Record<string, string> {
    const names = readdirSync(this.repository(), { recursive: true, encoding: 'utf8' }).toSorted();
    return Object.fromEntries(
      names.flatMap((name): [string, string][] => {
        const path = this.repository(name);
        const found = lstatSync(path);
        if (found.isDirectory()) return [];
        return [[name, found.isSymbolicLink() ? `-> ${readlinkSync(path)}` : sha256(readFileSync(path))]];
      }),
    );
  }
}
