import { BlockList, isIP } from 'node:net';
import { QuernError } from '../../errors.ts';

/** The key for a server, and why it is sent or not. */
export interface ServerKey {
  /** The environment variable that it is read from. */
  readonly variable: string;
  readonly state: 'sent' | 'unset' | 'withheld' | 'elsewhere';
  /** What is sent; only where `state` says so. */
  readonly value?: string;
}

const DEFAULT_VARIABLE = 'OPENAI_API_KEY';

/** What else {@link serverKey} goes by. */
export interface KeyOptions {
  /** The variable where none is named. Default `OPENAI_API_KEY`. */
  readonly usual?: string;
  /** Of several servers, the base URL of the first, which that variable's key is taken to be for. */
  readonly first?: string;
}

/**
 * The key for a server: from the environment variable that the configuration names, else from the usual one. A key that
 * nobody chose for this server is withheld from one that is reached unencrypted over a public network, and beside other servers
 * from one that is neither of the first one's origin nor, as that is, in a private network. Throws `USAGE`,
 * without repeating either, where the variable's name is none or the key holds what no HTTP header can.
 */
export function serverKey(
  baseUrl: string,
  named: string | undefined,
  env: NodeJS.ProcessEnv,
  { usual = DEFAULT_VARIABLE, first }: KeyOptions = {},
): ServerKey {
  const variable = named ?? usual;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
    throw new QuernError('USAGE', 'is the name of an environment variable, never the key itself', {
      where: 'keyVariable',
    });
  }
  const value = env[variable]?.trim();
  if (!value) return { variable, state: 'unset' };
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new QuernError('USAGE', 'the key holds characters that cannot be sent', {
      where: variable,
      hint: 'A key is one word of ASCII characters',
    });
  }
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol === 'http:' && named === undefined && !isPrivateHost(hostname)) {
    return { variable, state: 'withheld' };
  }
  if (first !== undefined && named === undefined && !isBeside(new URL(baseUrl), new URL(first))) {
    return { variable, state: 'elsewhere' };
  }
  return { variable, state: 'sent', value };
}

function isBeside(server: URL, first: URL): boolean {
  return server.origin === first.origin || (isPrivateHost(server.hostname) && isPrivateHost(first.hostname));
}

const privateAddresses = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 32],
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateAddresses.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  privateAddresses.addSubnet(network, bits, 'ipv6');
}

/**
 * Whether a URL's host is this machine or in a private network: an address reserved for that (RFC 1918, 3927, 4193), a
 * name without a dot, or one under a domain reserved for that (RFC 6761, 6762, `internal`).
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const version = isIP(host);
  if (version !== 0) return privateAddresses.check(host, version === 4 ? 'ipv4' : 'ipv6');
  return !host.includes('.') || /\.(localhost|local|internal|home\.arpa)$/i.test(host);
}
