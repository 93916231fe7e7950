/** Quern as a tool and as a middleware of the AI SDK: `node examples/ai-sdk.mjs` */
import { generateText, stepCountIs, wrapLanguageModel } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { retrievalMiddleware, searchTool } from 'quern/ai';
import { openSample, question } from './sample.mjs';

const { index, pipeline, close } = await openSample();

// These models say what they are told to; put a provider's, such as openai('gpt-…'), in their place.
const reader = new MockLanguageModelV3({ doGenerate: async ({ prompt }) => said(whatItWasGiven(prompt)) });
const agent = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) =>
    prompt.at(-1).role === 'tool' ? said(whatItWasGiven(prompt)) : searching(question),
});

// A middleware: every prompt gets the passages that are found for its last question.
const model = wrapLanguageModel({
  model: reader,
  middleware: retrievalMiddleware({
    pipeline,
    index,
    k: 3,
    onAnswer: ({ reasoned, hits }) =>
      console.log(`Searched with ${reasoned.text.split(' ').length} words, found ${hits.length} passages.`),
    onFailure: (error) => console.error('The prompt goes as it is:', error),
  }),
});
console.log(`With the middleware: ${(await generateText({ model, prompt: question })).text}\n`);

// A tool: the model searches when it wants to.
const { text, steps } = await generateText({
  model: agent,
  tools: { search: searchTool({ pipeline, index, k: 3, description: 'Searches notes on everyday life.' }) },
  stopWhen: stepCountIs(3),
  prompt: question,
});
console.log(`With the tool, in ${steps.length} steps: ${text}`);
await close();

function whatItWasGiven(prompt) {
  const titles = Array.from(
    JSON.stringify(prompt).matchAll(/\\*"title\\*":\\*"([^"\\]+)/g),
    ([, title]) => title,
  );
  return `I was given ${titles.map((title) => `“${title}”`).join(', ')}.`;
}

function said(answer) {
  return reply([{ type: 'text', text: answer }], 'stop');
}

function searching(asked) {
  const input = JSON.stringify({ question: asked });
  return reply([{ type: 'tool-call', toolCallId: 'call-1', toolName: 'search', input }], 'tool-calls');
}

function reply(content, unified) {
  const usage = { inputTokens: {}, outputTokens: {} };
  return { content, finishReason: { unified, raw: undefined }, usage, warnings: [] };
}
