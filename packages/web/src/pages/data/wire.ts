/** What the service answers of sets, as its own schemas say. */
import type * as z from 'zod';
import type {
  questionsAnswer,
  setAnswer,
  setsAnswer,
  SetRecord,
} from '../../../../quern/src/serve/sets/set-answers.ts';

export type SetsAnswer = z.infer<typeof setsAnswer>;
export type SetAnswer = z.infer<typeof setAnswer>;
export type QuestionsAnswer = z.infer<typeof questionsAnswer>;
export type SetQuestion = QuestionsAnswer['questions'][number];
export type CutText = SetQuestion['question'];
export type Stage = SetRecord['stages'][number];
export type Histogram = NonNullable<SetRecord['histograms']>['question'];
export type { SetRecord };
