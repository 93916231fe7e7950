/**
 * The prompt that TongSearch-QR's models were trained with (arXiv 2506.11603): part of their interface, to be sent
 * verbatim, as the user turn after an empty system turn.
 */
const instructions =
  'Instructions:\n' +
  '1. Identify the essential problem.\n' +
  '2. Think step by step to reason and describe what information could be relevant and helpful to address the questions in detail.\n' +
  '3. Draft an answer with as many thoughts as you have.\n';

/** A turn of a chat. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** The user turn's text before the query: the same for every query, so that models can share its state. */
export const promptPrefix = `${instructions}Query: `;

/**
 * The user turn for a query, at inference; with passages, they follow what the models were trained with, which stays as it
 * is.
 */
export function userPrompt(query: string, passages: readonly string[] = []): string {
  const asked = `${promptPrefix}${query}\n\n`;
  if (passages.length === 0) return asked;
  const listed = passages.map((passage, i) => `[${i + 1}] ${passage}\n\n`).join('');
  return `${asked}Passages that a search found. Use what helps, pass over what does not:\n\n${listed}`;
}

/** The query of a user turn that {@link userPrompt} made; undefined of any other text. Passages that follow count as its end. */
export function promptedQuery(text: string): string | undefined {
  if (!text.startsWith(promptPrefix)) return undefined;
  return text.slice(promptPrefix.length).replace(/\n\n$/, '');
}

/** The chat for a query. The empty system turn counts: without one, Qwen's template puts in its own. */
export function chatPrompt(query: string, passages: readonly string[] = []): ChatTurn[] {
  return [
    { role: 'system', content: '' },
    { role: 'user', content: userPrompt(query, passages) },
  ];
}

/** What the system turn asks of a policy that is to think before it answers. */
const thinkInstructions =
  'First think about the question, then answer it. Put your thoughts between <think> and </think>, and after them the answer ' +
  'between <answer> and </answer>: <think> thoughts </think> <answer> answer </answer>. Only the answer is used.';

/**
 * The chat for a question at training, which differs from that at inference as the reference's own sampler does:
 * `Question:` in place of `Query:`, and nothing after it. `think` asks for thoughts before the answer.
 */
export function trainingPrompt(
  question: string,
  { think = false }: { readonly think?: boolean } = {},
): ChatTurn[] {
  return [
    { role: 'system', content: think ? thinkInstructions : '' },
    { role: 'user', content: `${instructions}Question: ${question}` },
  ];
}
