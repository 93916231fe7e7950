import type { FastifyBaseLogger } from 'fastify';
import type { Service } from '../service/service.ts';

/** The fewest characters of a question by which it is recognised in other words. */
export const recognised = 24;

/**
 * A service for one request: what fails although it is answered is logged with the request's id, and where the configuration
 * says so what was reasoned. Words that quote the question are left out unless questions are logged.
 */
export function withLog(service: Service, log: FastifyBaseLogger, query: string): Service {
  const { observer } = service;
  const { questions } = service.config.log;
  const why = (words: string): string =>
    questions || !quotes(words, query) ? words : 'left out, as it quotes the question';
  return {
    ...service,
    observer: {
      ...observer,
      reasoned(name, reasoned) {
        observer.reasoned(name, reasoned);
        const { text, finish, failure } = reasoned;
        if (failure) {
          log.warn({ reasoner: name, code: failure.code, why: why(failure.message) }, 'a reasoner failed');
        }
        if (questions && text !== '') log.info({ reasoner: name, finish, text }, 'reasoned');
      },
      failed(what, code, error) {
        observer.failed(what, code, error);
        log.warn({ what, code, why: why(String(error)) }, 'a part failed');
      },
    },
  };
}

/** Whether a text holds a question, or so much of it that it can be recognised. */
export function quotes(text: string, question: string): boolean {
  const asked = question.trim();
  const length = Math.min(recognised, asked.length);
  for (let at = 0; at + length <= asked.length; at++) {
    if (text.includes(asked.slice(at, at + length))) return true;
  }
  return false;
}
