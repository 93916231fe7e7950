import { Fragment } from 'preact';

/** A name from elsewhere: whatever its direction, what stands around it stays where it is; it is broken where its parts end. */
export function Name({ children }: { readonly children: string }) {
  const parts = children.match(/.{1,24}?(?:[:/_+@-]|$)|.{24}/gsu) ?? [children];
  return (
    <bdi class="name">
      {parts.map((part, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </bdi>
  );
}

/** Several names, with commas between them. */
export function Names({ of }: { readonly of: readonly string[] }) {
  return (
    <>
      {of.map((name, i) => (
        <Fragment key={name}>
          {i > 0 && ', '}
          <Name>{name}</Name>
        </Fragment>
      ))}
    </>
  );
}

/** What collections are called in a row of them: without what all of them begin with, as `bright:`. */
export function headings(keys: readonly string[]): string[] {
  const [first = ''] = keys;
  const prefix = first.slice(0, first.indexOf(':') + 1);
  const isShared = keys.length > 1 && prefix !== '' && keys.every((key) => key.startsWith(prefix));
  return isShared ? keys.map((key) => key.slice(prefix.length)) : [...keys];
}

/** The name of a file from parts that may hold anything. */
export function fileName(ending: string, ...parts: readonly string[]): string {
  const safe = parts.map((part) =>
    part
      .toLowerCase()
      .replaceAll(/[^a-z0-9._]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, 40),
  );
  return `${safe.filter((part) => part !== '').join('-') || 'evaluation'}.${ending}`;
}
