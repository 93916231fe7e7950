import type { SearchRequest } from '../../service/search-request.ts';
import { search } from '../../service/search.ts';
import type { Service } from '../../service/service.ts';
import { answerEvents } from '../event-stream.ts';
import type { Call } from '../route.ts';

/** After how many milliseconds an answer begins though nothing has happened: proxies give up what is silent for long. */
const silence = 5000;

/**
 * A search as it comes to be, as server-sent events. What is refused before anything has happened, within five seconds, is answered
 * as an error, as without events.
 */
export function watchedSearch(
  service: Service,
  { reply, signal }: Pick<Call<unknown>, 'reply' | 'signal'>,
  asked: SearchRequest,
): Promise<unknown> {
  const before: [event: string, data: unknown][] = [];
  let send = (event: string, data: unknown): void => void before.push([event, data]);
  let begin: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const tell = (event: string, data: unknown): void => {
    send(event, data);
    begin();
  };
  const timer = setTimeout(() => begin(), silence);
  const texts: string[] = [];
  const found = search(service, asked, signal, {
    text(text, part) {
      const known = texts[part] ?? '';
      texts[part] = text;
      if (!text.startsWith(known)) tell('piece', { text, part, isStart: true });
      else if (text.length > known.length) tell('piece', { text: text.slice(known.length), part });
    },
    ranking: (look) => tell('ranking', look),
    reasoned: (reasoned) => tell('reasoned', reasoned),
  });
  return answerEvents(
    reply,
    signal,
    () => Promise.race([found, begun]).finally(() => clearTimeout(timer)),
    async (sender) => {
      for (const [event, data] of before) sender.send(event, data);
      send = sender.send;
      sender.send('done', await found);
    },
  );
}
