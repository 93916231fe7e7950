/** A server-sent event. */
export interface ServiceEvent {
  readonly name: string;
  readonly data: unknown;
}

/** The events of a stream of bytes, as the HTML standard has them, their data read as JSON; comments are left out. */
export async function* eventsIn(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<ServiceEvent, void, undefined> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = eventIn(block);
        if (event) yield event;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventIn(block: string): ServiceEvent | undefined {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [field, value = ''] = line.split(/: ?(.*)/s, 2);
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { name, data: JSON.parse(data.join('\n')) as unknown };
}
