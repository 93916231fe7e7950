/** What is known of Stack Exchange: its sites' names, its posts' addresses, its licences, and its scores. */

/** The domains of the paper's training data (arXiv 2506.11603). */
export const paperDomains = [
  'stackoverflow',
  'biology',
  'chemistry',
  'codereview',
  'cs',
  'earthscience',
  'economics',
  'math',
  'robotics',
] as const;

/** How many questions of a domain the paper's training data has at most. */
export const paperPerDomain = 1200;

/** Sites of the network with a host name of their own, and what they are called. */
const ownHosts: Readonly<Record<string, string>> = {
  'stackoverflow.com': 'stackoverflow',
  'superuser.com': 'superuser',
  'serverfault.com': 'serverfault',
  'askubuntu.com': 'askubuntu',
  'mathoverflow.net': 'mathoverflow',
  'stackapps.com': 'stackapps',
};

const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * The domain of a host: `math` for `math.stackexchange.com`, `stackoverflow` for `stackoverflow.com`, `ru.stackoverflow` and
 * `meta.math` for sites beside these, which are other domains. Other hosts are domains by their whole name. Case does not
 * count: the preferences data writes `Stackoverflow.com`.
 */
export function siteDomain(host: string): string {
  const known = domains.get(host);
  if (known !== undefined) return known;
  const domain = domainOf(host);
  if (domains.size < 1000) domains.set(host, domain);
  return domain;
}

/** The domains of the hosts that were asked for: there are few, and they are asked for at every post. */
const domains = new Map<string, string>();

function domainOf(host: string): string {
  const name = host.toLowerCase().replace(/^www\./, '');
  const own = Object.entries(ownHosts).find(([site]) => name === site || name.endsWith(`.${site}`));
  if (own) return name.slice(0, name.length - own[0].length) + own[1];
  const network = '.stackexchange.com';
  return name.endsWith(network) ? name.slice(0, -network.length) : name;
}

/** The host that an address leads to, in lower case; undefined for what is no http or https address. */
export function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return /^https?:$/.test(protocol) && hostname !== '' ? hostname.toLowerCase() : undefined;
}

/**
 * The host of the site that a dump's folder or archive is named after: `beer.stackexchange.com.7z`,
 * `stackoverflow.com-Posts.7z`, or a bare `beer.2017`, of which the first part is taken for a site of the network.
 * `isGuess` says that the name does not tell the network. Undefined where the name can be no site's.
 */
export function siteOfName(name: string): { readonly host: string; readonly isGuess: boolean } | undefined {
  const lower = name
    .toLowerCase()
    .replace(/\.7z$/, '')
    .replace(/-[a-z]+$/, '');
  const known = /^(?:[a-z0-9-]+\.)*(?:stackexchange\.com|[a-z]+\.(?:com|net))$/.exec(lower)?.[0];
  if (known !== undefined && siteDomain(known) !== known) return { host: known, isGuess: false };
  const [first] = lower.split(/[.\s_]/);
  if (!label.test(first)) return undefined;
  const own = Object.keys(ownHosts).find((host) => ownHosts[host] === first);
  return { host: own ?? `${first}.stackexchange.com`, isGuess: true };
}

/** The address of a post. */
export function postUrl(host: string, kind: 'question' | 'answer', id: string): string {
  return kind === 'question' ? `https://${host}/questions/${id}` : `https://${host}/a/${id}`;
}

/** The address of a user's page. */
export function userUrl(host: string, id: string): string {
  return `https://${host}/users/${id}`;
}

/**
 * The licence of a post by the day it was written, as Stack Exchange states it: CC BY-SA 2.5 until 7 April 2011, 3.0 until 1
 * May 2018, 4.0 since. `date` is in ISO 8601; without one the version is left open.
 */
export function licenceOf(date: string | undefined): string {
  if (!/^\d{4}-\d{2}-\d{2}/.test(date ?? '')) return 'CC BY-SA';
  if (date! >= '2018-05-02') return 'CC BY-SA 4.0';
  return date! >= '2011-04-08' ? 'CC BY-SA 3.0' : 'CC BY-SA 2.5';
}

/**
 * The score of the Stack Exchange preferences data (Askell et al., arXiv 2112.00861, as the data's card states it):
 * round(log2(1 + votes)), and 1 more for the accepted answer; -1 where the votes are negative. Of dumps, which have the net
 * score alone, it stands in for the votes in favour: the two differ where an answer was voted down as well.
 */
export function preferenceScore(votes: number, isAccepted: boolean): number {
  if (votes < 0) return -1;
  return Math.round(Math.log2(1 + votes)) + (isAccepted ? 1 : 0);
}
