import { errorAnswer } from '../http/answer-error.ts';

/** What an agent is told of an error: one sentence, and nothing of what is for the log. */
export function failureSentence(error: unknown): string {
  const { message, hint } = errorAnswer(error).body.error;
  const advice =
    hint === undefined
      ? ''
      : `; ${hint.replace(/\.$/, '').replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}`;
  return `${message}${advice}.`;
}

/** Whether an error is the service's own and none that a client caused. */
export function isOfService(error: unknown): boolean {
  return errorAnswer(error).status >= 500;
}
