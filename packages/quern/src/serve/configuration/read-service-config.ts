import { dirname, resolve } from 'node:path';
import type * as z from 'zod';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { defaultBm25Parameters } from '../../lexical/bm25.ts';
import { isOpenSearchName } from '../../opensearch/address.ts';
import { checkedReasonerConfiguration, configurationIssue } from '../../reason/configuration-file.ts';
import { namedMembers } from '../../reason/several-names.ts';
import { readYamlFile, type YamlFile } from '../../yaml-file.ts';
import { nearestName } from '../../train/configuration/nearest-name.ts';
import { configKeys } from './config-keys.ts';
import { configSchema, type ConfigFile } from './config-schema.ts';
import { checkDeclaredNames } from './declared-names.ts';
import { declaredTokens } from './declared-tokens.ts';
import { environmentSettings, type Setting } from './environment-settings.ts';
import type {
  DeclaredIndex,
  DeclaredModel,
  DeclaredReasoner,
  DeclaredReward,
  ServiceConfig,
} from './service-config.ts';
import { checkHasNoSecret } from './secrets-check.ts';

/** What a service is configured by. */
export interface ServiceConfigSource {
  /** A YAML or JSON file; without one there are the defaults and the environment. */
  readonly file?: string;
  /** Variables: `QUERN_SERVE_…` count before the file, `QUERN_TOKEN` is a token of all scopes. */
  readonly env?: Environment;
  /** Settings that count before both, as from a command line. */
  readonly settings?: readonly Setting[];
}

/** Names that any service has, of what needs neither a file nor an address. */
const builtInRetrievers = ['bm25', 'bm25q'];
const builtInReasoners = ['none', 'rm3'];

/**
 * The configuration of a service. Paths in the file count from its folder. Throws `BAD_INPUT` at `file:line`, or at the variable,
 * for whatever is not as it should be, unknown keys and names that nothing declares among it; and what reading files throws.
 */
export async function readServiceConfig({
  file,
  env = process.env,
  settings = [],
}: ServiceConfigSource): Promise<ServiceConfig> {
  const read: YamlFile =
    file === undefined
      ? { value: {}, place: () => 'configuration' }
      : await readYamlFile(file, 'configuration');
  const places = new Map<string, string>();
  let value: unknown = read.value ?? {};
  for (const { path, value: given, where } of [...environmentSettings(env), ...settings]) {
    value = withValue(value, path, given);
    places.set(path.join('.'), where);
  }
  const place = (at: readonly PropertyKey[]): string =>
    places.get(at.map(String).join('.')) ??
    places.get(at.slice(0, 2).map(String).join('.')) ??
    read.place(at);
  checkHasNoSecret(value, place);
  const checked = configSchema.safeParse(value);
  if (!checked.success) throw issueAt(checked.error.issues[0]!, place);
  const folder = file === undefined ? process.cwd() : dirname(resolve(file));
  const config = checked.data;
  const declared: ServiceConfig = {
    listen: config.listen,
    ...(config.data !== undefined && { data: resolve(folder, config.data) }),
    ...(config.cache !== undefined && { cache: resolve(folder, config.cache) }),
    indexes: mapped(config.indexes, (entry) => declaredIndex(entry, folder)),
    retrievers: new Map([
      ...builtInRetrievers.map((name) => [name, name] as const),
      ...mapped(config.retrievers, ({ retriever }) => withFolder(retriever, folder)),
    ]),
    reasoners: new Map([
      ...builtInReasoners.map((name) => [name, builtIn(name)] as const),
      ...mapped(config.reasoners, (entry, name) => declaredReasoner(entry, folder, place, name)),
    ]),
    embedders: mapped(config.embedders, ({ embedder, keyVariable }) =>
      declaredModel(withFolder(String(embedder), folder), keyVariable),
    ),
    rerankers: mapped(config.rerankers, ({ reranker, keyVariable }) =>
      declaredModel(withFolder(String(reranker), folder), keyVariable),
    ),
    rewards: mapped(config.rewards, ({ reward, index }): DeclaredReward => ({
      reward: withFolder(reward, folder),
      ...(index !== undefined && { index }),
    })),
    runs: config.runs.map((each) => resolve(folder, each)),
    sets: config.sets.map((each) => resolve(folder, each)),
    tokens: await declaredTokens(config, { folder, env, place }),
    limits: config.limits,
    log: config.log,
  };
  checkDeclaredNames(declared, place);
  return declared;
}

function mapped<A, B>(record: Record<string, A>, of: (value: A, name: string) => B): Map<string, B> {
  return new Map(Object.entries(record).map(([name, value]) => [name, of(value, name)]));
}

function declaredModel(model: string, keyVariable: unknown): DeclaredModel {
  return { model, ...(keyVariable !== undefined && { keyVariable: String(keyVariable) }) };
}

function declaredIndex(
  { index, retriever, k1, b, questions }: ConfigFile['indexes'][string],
  folder: string,
): DeclaredIndex {
  const isGiven = k1 !== undefined || b !== undefined;
  return {
    index: isOpenSearchName(index) ? index : resolve(folder, index),
    retriever,
    ...(isGiven && {
      parameters: { k1: k1 ?? defaultBm25Parameters.k1, b: b ?? defaultBm25Parameters.b },
    }),
    ...(questions !== undefined && { questions: resolve(folder, questions) }),
  };
}

function builtIn(reasoner: string): DeclaredReasoner {
  return { reasoner, cached: false, configuration: {} };
}

function declaredReasoner(
  { reasoner, deadline, seed, gate, cached, ...rest }: ConfigFile['reasoners'][string],
  folder: string,
  place: YamlFile['place'],
  name: string,
): DeclaredReasoner {
  const local = reasonerWithFolder(reasoner, folder);
  const configuration = checkedReasonerConfiguration(reasoner, rest, {
    folder,
    place,
    at: ['reasoners', name],
  });
  return {
    reasoner: local,
    ...(deadline !== undefined && { deadline }),
    ...(seed !== undefined && { seed }),
    ...(gate !== undefined && { gate: resolve(folder, gate) }),
    cached,
    configuration,
  };
}

/** A reasoner's name whose paths count from the configuration's folder, of several those of each. */
function reasonerWithFolder(reasoner: string, folder: string): string {
  if (!reasoner.startsWith('join:')) return withFolder(reasoner, folder);
  const members = namedMembers(reasoner).map(({ name, samples }) => {
    const local = withFolder(name, folder);
    return samples === 1 ? local : `${samples}*${local}`;
  });
  return `join:${members.join(',')}`;
}

/** A name whose paths count from the configuration's folder; those of models, which could be hub ids, where they begin with a dot. */
function withFolder(named: string, folder: string): string {
  const path = /^file:(.+)$/s.exec(named)?.[1];
  if (path !== undefined) return `file:${resolve(folder, path)}`;
  return named.replace(
    /(^|[:+,*/])(onnx|llama|torch):(\.{1,2}\/[^+,]*)/g,
    (_, before: string, kind: string, local: string) => `${before}${kind}:${resolve(folder, local)}`,
  );
}

/** The error for what is wrong with a configuration; of a key that is none, with one that is near. */
function issueAt(issue: z.core.$ZodIssue, place: YamlFile['place']): QuernError {
  const [inKey] = issue.code === 'invalid_key' ? issue.issues : [];
  const error = configurationIssue({ ...issue, message: inKey?.message ?? issue.message }, place);
  if (issue.code !== 'unrecognized_keys') return error;
  const under = issue.path.map((part, i) =>
    typeof part === 'number' ? 'N' : i === 1 && isNamed(issue.path[0]) ? 'NAME' : part,
  );
  const known = configKeys.flatMap(({ path }) =>
    under.every((part, i) => path[i] === part) && path.length > under.length ? [path[under.length]!] : [],
  );
  const near = nearestName(issue.keys[0]!, known);
  const hint = near === undefined ? `There are ${[...new Set(known)].join(', ')}` : `Did you mean ${near}?`;
  return new QuernError(error.code, error.what, { where: error.where!, hint });
}

function isNamed(section: PropertyKey | undefined): boolean {
  return configKeys.some(({ path }) => path[0] === section && path[1] === 'NAME');
}

/** `value` with something else at a path of keys. */
function withValue(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [key]: withValue(object[key], rest, leaf) };
}
