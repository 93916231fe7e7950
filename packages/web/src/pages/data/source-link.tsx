/** Where a post stands: a link where it is one of the web that is encrypted, else what the source says, as text. */
export function SourceLink({ url }: { readonly url: string }) {
  const to = safeAddress(url);
  return to === undefined ? (
    <span class="address">{url}</span>
  ) : (
    <a class="address" href={to} rel="noreferrer noopener nofollow external" target="_blank">
      {url}
    </a>
  );
}

/** An address that may be followed, whoever wrote it: of HTTPS, with no name or password in it. */
export function safeAddress(url: string): string | undefined {
  if (!/^https:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { protocol, username, password, href } = new URL(url);
  return protocol === 'https:' && username === '' && password === '' ? href : undefined;
}
