/** Quern as a retriever and as a step of LangChain: `node examples/langchain.mjs` */
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { RunnablePassthrough, RunnableSequence } from '@langchain/core/runnables';
import { QuernRetriever, ReasonerRunnable } from 'quern/langchain';
import { openSample, question } from './sample.mjs';

const { index, pipeline, close } = await openSample();

const plain = new QuernRetriever({ pipeline: pipeline.retriever, index, k: 3 });
const reasoned = new QuernRetriever({ pipeline, index, k: 3 });
print('The question as it is finds', await plain.invoke(question));
print('Reasoned about, it finds', await reasoned.invoke(question));

// The reasoner alone, in front of any retriever of LangChain's: here it is ours again.
const chain = new ReasonerRunnable(pipeline.reasoner).pipe(plain);
print('The reasoner as a step, then the retriever', await chain.invoke(question));

// A chain that answers. The model says what it is told to; put one of LangChain's chat models in its place.
const answers = RunnableSequence.from([
  { context: reasoned.pipe(texts), question: new RunnablePassthrough() },
  ChatPromptTemplate.fromTemplate('Answer from these passages:\n{context}\n\nQuestion: {question}'),
  new FakeListChatModel({ responses: ['Too many at once boil in their own water; a few can brown.'] }),
  new StringOutputParser(),
]);
console.log(`The stand-in for a model, at the chain's end, says: ${await answers.invoke(question)}`);
await close();

function texts(documents) {
  return documents.map(({ pageContent }) => pageContent).join('\n\n');
}

function print(heading, documents) {
  console.log(`${heading}:`);
  for (const { id, metadata } of documents) {
    console.log(`  ${metadata.rank}  ${metadata.score.toFixed(2)}  ${id}: ${metadata.title}`);
  }
  console.log();
}
