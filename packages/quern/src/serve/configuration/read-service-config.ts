import { dirname, resolve } from 'node:path';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { defaultBm25Parameters } from '../../lexical/bm25.ts';
import { isOpenSearchName } from '../../opensearch/address.ts';
import { checkedReasonerConfiguration, configurationIssue } from '../../reason/configuration-file.ts';
import { readSmallText } from '../../small-text.ts';
import { retrieverNamed } from '../../search/retrievers.ts';
import { readYamlFile, type YamlFile } from '../../yaml-file.ts';
import { configSchema, type ConfigFile } from './config-schema.ts';
import { environmentSettings, type Setting } from './environment-settings.ts';
import type {
  DeclaredIndex,
  DeclaredModel,
  DeclaredReasoner,
  DeclaredReward,
  DeclaredToken,
  ServiceConfig,
} from './service-config.ts';
import { leastTokenLength, tokenHash } from './tokens.ts';

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
  const checked = configSchema.safeParse(value);
  if (!checked.success) throw configurationIssue(checked.error.issues[0]!, place);
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
    tokens: await declaredTokens(config, folder, env, place),
    limits: config.limits,
    log: config.log,
  };
  checkReferences(declared, place);
  return declared;
}

function mapped<A, B>(record: Record<string, A>, of: (value: A, name: string) => B): Map<string, B> {
  return new Map(Object.entries(record).map(([name, value]) => [name, of(value, name)]));
}

function declaredModel(model: string, keyVariable: unknown): DeclaredModel {
  return { model, ...(keyVariable !== undefined && { keyVariable: String(keyVariable) }) };
}

function declaredIndex(
  { index, retriever, k1, b }: ConfigFile['indexes'][string],
  folder: string,
): DeclaredIndex {
  const isGiven = k1 !== undefined || b !== undefined;
  return {
    index: isOpenSearchName(index) ? index : resolve(folder, index),
    retriever,
    ...(isGiven && {
      parameters: { k1: k1 ?? defaultBm25Parameters.k1, b: b ?? defaultBm25Parameters.b },
    }),
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
  const configuration = checkedReasonerConfiguration(reasoner, rest, {
    folder,
    place,
    at: ['reasoners', name],
  });
  return {
    reasoner: withFolder(reasoner, folder),
    ...(deadline !== undefined && { deadline }),
    ...(seed !== undefined && { seed }),
    ...(gate !== undefined && { gate: resolve(folder, gate) }),
    cached,
    configuration,
  };
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

async function declaredTokens(
  { tokens }: ConfigFile,
  folder: string,
  env: Environment,
  place: YamlFile['place'],
): Promise<DeclaredToken[]> {
  const declared: DeclaredToken[] = [];
  for (const [i, { name, scope, hash, file, variable }] of tokens.entries()) {
    const where = `${place(['tokens'])} (${name})`;
    if ([hash, file, variable].filter((each) => each !== undefined).length !== 1) {
      throw new QuernError('BAD_INPUT', `token ${i + 1} needs one of hash, file and variable`, { where });
    }
    if (declared.some((other) => other.name === name)) {
      throw new QuernError('BAD_INPUT', 'is the name of two tokens', { where });
    }
    if (hash !== undefined) {
      declared.push({ name, scope, hash: hash.slice('sha256:'.length) });
      continue;
    }
    const secret =
      file !== undefined ? await readSmallText(resolve(folder, file), 'token') : (env[variable!] ?? '');
    declared.push({ name, scope, hash: secretHash(secret, file ?? variable!) });
  }
  const given = env['QUERN_TOKEN'];
  if (given !== undefined)
    declared.push({ name: 'QUERN_TOKEN', scope: 'admin', hash: secretHash(given, 'QUERN_TOKEN') });
  const twice = declared.find(({ hash }, i) => declared.findIndex((other) => other.hash === hash) < i);
  if (twice) throw new QuernError('BAD_INPUT', 'is the same token as another', { where: twice.name });
  return declared;
}

function secretHash(secret: string, where: string): string {
  const token = secret.trim();
  if (token.length >= leastTokenLength && !/\s/.test(token)) return tokenHash(token);
  throw new QuernError(
    'BAD_INPUT',
    `a token has ${leastTokenLength} characters or more, and no white space`,
    {
      where,
      hint: 'quern serve token makes one',
    },
  );
}

/** Throws `BAD_INPUT` where one thing names another that is not declared, and for names of retrievers that are none. */
function checkReferences(config: ServiceConfig, place: YamlFile['place']): void {
  for (const [name, retriever] of config.retrievers) {
    try {
      retrieverNamed(retriever);
    } catch (error) {
      const { what, hint } = error as QuernError;
      throw new QuernError('BAD_INPUT', what, { where: place(['retrievers', name]), hint });
    }
  }
  for (const [name, { retriever }] of config.indexes) {
    if (config.retrievers.has(retriever)) continue;
    throw new QuernError('BAD_INPUT', `no retriever ${retriever} is declared`, {
      where: place(['indexes', name, 'retriever']),
      hint: `There are ${[...config.retrievers.keys()].join(', ')}`,
    });
  }
  for (const [name, { index }] of config.rewards) {
    if (index === undefined || config.indexes.has(index)) continue;
    throw new QuernError('BAD_INPUT', `no index ${index} is declared`, {
      where: place(['rewards', name, 'index']),
    });
  }
}

/** `value` with something else at a path of keys. */
function withValue(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [key]: withValue(object[key], rest, leaf) };
}
