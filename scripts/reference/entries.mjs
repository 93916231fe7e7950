/** What programs import, and the page of each. */
export const entries = {
  'packages/quern/src/index.ts': 'quern',
  'packages/quern/src/serve.ts': 'quern/serve',
  'packages/quern/src/train.ts': 'quern/train',
  'packages/quern/src/torch.ts': 'quern/torch',
  'packages/quern/src/langchain.ts': 'quern/langchain',
  'packages/quern/src/llamaindex.ts': 'quern/llamaindex',
  'packages/quern/src/ai.ts': 'quern/ai',
  'packages/libtorch/src/index.ts': '@quern/libtorch',
};
