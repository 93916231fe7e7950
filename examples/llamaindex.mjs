/** Quern as a retriever of LlamaIndex: `node examples/llamaindex.mjs` */
import { ContextChatEngine } from '@llamaindex/core/chat-engine';
import { MockLLM } from '@llamaindex/core/llms/mock';
import { QuernRetriever } from 'quern/llamaindex';
import { openSample, question } from './sample.mjs';

const { index, pipeline, close } = await openSample();

const plain = new QuernRetriever({ pipeline: pipeline.retriever, index, k: 3 });
const reasoned = new QuernRetriever({ pipeline, index, k: 3 });
print('The question as it is finds', await plain.retrieve(question));
print('Reasoned about, it finds', await reasoned.retrieve(question));

// A chat about the documents. The model says what it is told to; put one of LlamaIndex's in its place.
const chatModel = new MockLLM({
  timeBetweenToken: 0,
  responseMessage: 'Too many at once boil in their own water; a few can brown.',
});
const chat = new ContextChatEngine({ retriever: reasoned, chatModel });
const { message, sourceNodes } = await chat.chat({ message: question });
console.log(`The stand-in for a model, in the chat engine, says: ${message.content}`);
console.log(`It was given: ${sourceNodes.map(({ node }) => node.id_).join(', ')}`);
await close();

function print(heading, nodes) {
  console.log(`${heading}:`);
  for (const { node, score } of nodes) {
    console.log(`  ${node.metadata.rank}  ${score.toFixed(2)}  ${node.id_}: ${node.metadata.title}`);
  }
  console.log();
}
