/** A server-sent event. */
export interface SentEvent {
  readonly event: string;
  readonly data: string;
}

/** The events of a stream as the specification has them parsed (WHATWG HTML 9.2.6); comments are left out. */
export function sentEvents(text: string): SentEvent[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((block) => {
      const fields = block.split(/\r?\n/).map((line) => /^([^:]*)(?:: ?(.*))?$/.exec(line)!);
      const of = (name: string): string[] =>
        fields.flatMap(([, field, value = '']) => (field === name ? [value] : []));
      return { event: of('event').at(-1) ?? 'message', data: of('data').join('\n') };
    })
    .filter(({ data }) => data !== '');
}
