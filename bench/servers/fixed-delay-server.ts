/**
 * A process that answers chat completions as a server of OpenAI's protocol does, each after the milliseconds that it is given,
 * however many at once: what is measured against it is the client.
 */
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const delay = Number(process.argv[2]);
const text = 'The essential problem is what the question asks, and relevant is what answers it. '.repeat(25);
const chunk = (choice: object | null, more: object = {}): string =>
  `data: ${JSON.stringify({ choices: choice ? [{ index: 0, delta: {}, finish_reason: null, ...choice }] : [], ...more })}\n\n`;
const reply = [
  chunk({ delta: { content: text } }),
  chunk({ finish_reason: 'stop' }),
  chunk(null, { usage: { prompt_tokens: 100, completion_tokens: 400 } }),
  'data: [DONE]\n\n',
].join('');

const server = createServer(async (request, response) => {
  for await (const _ of request);
  if (delay > 0) await pause(delay);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(reply);
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());
