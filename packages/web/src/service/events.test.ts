import { expect, it } from 'vitest';
import { eventsIn, type ServiceEvent } from './events.ts';

async function read(pieces: readonly Uint8Array[]): Promise<ServiceEvent[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const events: ServiceEvent[] = [];
  for await (const event of eventsIn(stream)) events.push(event);
  return events;
}

const text =
  'event: piece\ndata: {"text":"größer\\n\\n"}\n\n:\n\ndata: 1\n\nevent: done\r\ndata: {"a":\r\ndata: 2}\r\n\r\n';
const expected = [
  { name: 'piece', data: { text: 'größer\n\n' } },
  { name: 'message', data: 1 },
  { name: 'done', data: { a: 2 } },
];

it('events are read, however they are cut into pieces', async () => {
  const bytes = new TextEncoder().encode(text);
  expect(await read([bytes])).toEqual(expected);
  expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
});

it('an event that has not ended is none', async () => {
  expect(await read([new TextEncoder().encode('data: 1\n\ndata: 2\n')])).toEqual([
    { name: 'message', data: 1 },
  ]);
});
