/**
 * A process that answers chat completions as a server of OpenAI's protocol does, with the reasoned query that a file of recorded
 * ones has for the question, or with a text of its own where it has none, after the milliseconds that it is given.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

const [path, delay = '0'] = process.argv.slice(2);
const bytes = readFileSync(path);
const json = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
const recorded = new Map(Object.entries(JSON.parse(json.toString('utf8')) as Record<string, string>));
const otherwise = 'The essential problem is what the question asks, and relevant is what answers it. '.repeat(
  25,
);

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.method !== 'POST') {
    response.end('{"object":"list","data":[]}');
    return;
  }
  const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
  const prompt = messages.find(({ role }) => role === 'user')!.content;
  const question = prompt.slice(prompt.indexOf('Query: ') + 'Query: '.length).trim();
  if (Number(delay) > 0) await pause(Number(delay));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const words = (recorded.get(question) ?? otherwise).split(/(?<= )/);
  for (let at = 0; at < words.length; at += 50) {
    response.write(chunk({ delta: { content: words.slice(at, at + 50).join('') } }));
  }
  response.write(chunk({ finish_reason: 'stop' }));
  response.write(chunk(null, { usage: { prompt_tokens: 100, completion_tokens: words.length } }));
  response.end('data: [DONE]\n\n');
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());

function chunk(choice: object | null, more: object = {}): string {
  const choices = choice ? [{ index: 0, delta: {}, finish_reason: null, ...choice }] : [];
  return `data: ${JSON.stringify({ choices, ...more })}\n\n`;
}
