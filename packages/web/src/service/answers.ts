/** What the service answers, as its own schemas say. */
import type * as z from 'zod';
import type { configAnswer, reasonedAnswer, searchAnswer } from '../../../quern/src/serve/http/answers.ts';

export type ConfigAnswer = z.infer<typeof configAnswer>;
export type ReasonedAnswer = z.infer<typeof reasonedAnswer>;
export type SearchAnswer = z.infer<typeof searchAnswer>;
export type SearchHit = SearchAnswer['hits'][number];
export type HitTerm = NonNullable<SearchHit['terms']>[number];
