/** Readers and writers of TREC's files: qrels, runs and topics, plain or gzip. */
export { readTrecQrels, writeTrecQrels } from './trec-qrels.ts';
export { readTrecRun, writeTrecRun } from './trec-run.ts';
export { readTrecTopics, writeTrecTopics } from './trec-topics.ts';
