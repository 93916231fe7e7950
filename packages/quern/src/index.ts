/** Quern, the library: everything public. */
export { QuernError, type QuernErrorCode, type QuernErrorDetails } from './errors.ts';
export { Warnings, type Warning } from './warnings.ts';
export type { OnWork, Work } from './work.ts';

export type { Analyzer, TermSpan } from './text/analyzer.ts';
export { analyzerNamed } from './text/analyzers.ts';
export { wordBoundaries } from './text/word-boundaries.ts';

export { documentText } from './collections/records.ts';
export type { Document, Hit, Qrels, Run, TermVector, TermWeights, Topic } from './collections/records.ts';
export { compareBytes } from './byte-order.ts';
export { compareHits } from './collections/ranking-order.ts';
export type { Corpus, CorpusOptions, Placed, TextCorpus, VectorCorpus } from './collections/corpus.ts';
export { CORPUS_FORMATS, openCorpus, type CorpusFormat } from './collections/open-corpus.ts';
export type { Environment } from './collections/environment.ts';
export { collectionNames, openCollection } from './collections/collection.ts';
export type { Collection, CollectionOptions } from './collections/collection.ts';
export { openLog, type LogTraffic } from './collections/log-collection.ts';
export { logSplits, readQueryLog } from './collections/query-log.ts';
export type {
  LoggedQuery,
  LogSplit,
  QueriesAndSearches,
  QueryLog,
  QueryLogFacts,
  QueryLogOptions,
} from './collections/query-log.ts';
export { readLogRows, type LoggedClick, type LogRow } from './collections/query-log-rows.ts';
export { defaultLogRules, normalisedQuery } from './collections/query-log-filters.ts';
export type { LogFault, LogRules } from './collections/query-log-filters.ts';
export { clickLevels, clickWeight, defaultClickRules } from './collections/click-levels.ts';
export type { ClickRules, DocumentClicks } from './collections/click-levels.ts';
export { readQrels } from './collections/qrels.ts';
export * from './collections/trec.ts';

export { defaultBm25Parameters, scorings } from './lexical/bm25.ts';
export type { Bm25Parameters, CorpusStatistics, Scoring } from './lexical/bm25.ts';
export { IndexBuilder, type BuildOptions, type BuildSummary } from './lexical/index-builder.ts';
export { IndexWriter, type CommitSummary, type IndexWriterOptions } from './lexical/index-writer.ts';
export { indexInfo, type IndexInfo, type SegmentInfo } from './lexical/index-info.ts';
export { appendCorpus, type AppendCorpusOptions, type AppendSummary } from './lexical/append-corpus.ts';
export type { IndexState, IndexTotals } from './lexical/manifest.ts';
export { indexCorpus, type IndexCorpusOptions } from './lexical/index-corpus.ts';
export { openCollectionIndex } from './lexical/collection-index.ts';
export type { CollectionIndex, CollectionIndexOptions } from './lexical/collection-index.ts';
export { LexicalIndex, type StoredDocument } from './lexical/lexical-index.ts';
export type { BatchSearchOptions, LexicalSearchOptions } from './lexical/lexical-index.ts';
export type { SearchPlan, SegmentPlan } from './lexical/search-plan.ts';
export type { SearchPath } from './lexical/segment-search.ts';

export type { Cut, Enough, Failure, FinishReason, Money, TextEnd } from './reason/reasoner.ts';
export type { ReasonedQuery, Reasoner, ReasonOptions } from './reason/reasoner.ts';
export { checkedSampling, publishedSampling, type Sampling } from './reason/sampling.ts';
export { chatPrompt, userPrompt, type ChatTurn } from './reason/prompt.ts';
export { derivedSeed, type SeedOrigin } from './reason/seed.ts';
export type { ModelSettings } from './reason/settings.ts';
export { LlamaReasoner } from './reason/llama.ts';
export { TorchReasoner } from './reason/torch.ts';
export { BoundedReasoner, type Bounds } from './reason/bounded.ts';
export { ScreenedReasoner, type ScreenSettings } from './reason/screened-reasoner.ts';
export { reasonBatch, type BatchOptions, type BatchSummary } from './reason/batch.ts';
export {
  batchQueriesIn,
  readBatchQueries,
  type BatchQueries,
  type BatchQuery,
} from './reason/batch/batch-queries.ts';
export { reasonedRecord, type ReasonedRecord } from './reason/reasoned-record.ts';
export { reasoningTotals, type ReasoningTotals } from './reason/reasoning-totals.ts';
export { convertToGguf, type Conversion, type ConvertOptions } from './models/convert.ts';
export { SeveralReasoner, type Member } from './reason/several.ts';
export { NoReasoner } from './reason/none.ts';
export { RecordedReasoner } from './reason/recorded.ts';
export { Rm3Reasoner, type Rm3Options } from './reason/rm3.ts';
export { CachedReasoner, type CachedReasonerOptions } from './reason/cached-reasoner.ts';
export { defaultCacheFolder } from './cache-folder.ts';
export { ReasonedQueryCache } from './reason/cache/reasoned-query-cache.ts';
export type { PruneOptions, ReasonedQueryCacheOptions } from './reason/cache/reasoned-query-cache.ts';
export type { CacheStats, ReasonerShare } from './reason/cache/cache-stats.ts';
export type { CachedQuery } from './reason/cache/cached-query.ts';
export { contentHash, type ContentHashOptions } from './models/content-hash.ts';
export { reasonerNamed, type Feedback, type ReasonerSettings } from './reason/reasoners.ts';
export { OpenAiPool, type OpenAiPoolOptions } from './reason/openai-pool.ts';
export type { ServerChange, ServerStanding } from './models/openai/server-pool.ts';
export { OpenAiReasoner, type OpenAiReasonerOptions } from './reason/openai.ts';
export type { OpenAiTotals } from './reason/openai/openai-totals.ts';
export { reasonSamples } from './reason/samples.ts';
export { readConfiguration } from './reason/configuration.ts';
export type { Configuration, Prices, ReasonerConfiguration } from './reason/configuration.ts';

export { resolveModel, type ResolvedModel, type ResolveModelOptions } from './models/hub.ts';
export type { HubTiming } from './models/hub/hub-retry.ts';
export type { ModelFile } from './models/hub/hub-snapshot.ts';
export { isModelFile, type ChooseFiles } from './models/model-files.ts';

export { convertAdapterToGguf, type ConvertAdapterOptions } from './models/convert-adapter.ts';
export type { ModelType } from './models/gguf/qwen2-metadata.ts';
export {
  readGguf,
  type GgufInfo,
  type PlacedTensor,
  type ReadGgufOptions,
} from './models/gguf/gguf-reader.ts';
export type {
  GgufArray,
  GgufMetadata,
  GgufTensor,
  GgufValue,
  TensorTypeName,
} from './models/gguf/gguf-format.ts';
export { checkMemory, memoryNeeded, type MemoryNeeded, type ModelUse } from './models/memory.ts';
export { freeMemory } from './models/free-memory.ts';
export { SafetensorsFile, writeSafetensors, type NewTensor } from './models/checkpoint/safetensors.ts';
export type { Dtype, SafetensorsTensor } from './models/checkpoint/safetensors-header.ts';

export { isOpenSearchName, openSearchAddress, type OpenSearchAddress } from './opensearch/address.ts';
export { loadCorpus, type LoadCorpusOptions, type LoadSummary } from './opensearch/load-corpus.ts';
export { OpenSearchIndex } from './opensearch/open-search-index.ts';
export type { BulkBounds } from './opensearch/bulk-limits.ts';
export type { Clauses } from './opensearch/clauses.ts';
export type { OpenSearchLayout } from './opensearch/mapping.ts';
export { OpenSearchRetriever } from './search/open-search-retriever.ts';
export { openSearchedIndex, type SearchedIndex } from './search/searched-index.ts';

export { combineName, combineNamed, type Combine } from './search/combine.ts';
export { fusedRankings, fusedShares, reciprocalRankFusion } from './search/fusion.ts';
export type { FusedShare, Fusion, WeightedRanking } from './search/fusion.ts';
export { HybridRetriever, hybridName, hybridNamed } from './search/hybrid-retriever.ts';
export type { HybridPart, NamedPart, PartTakes } from './search/hybrid-retriever.ts';
export { DenseRetriever, type DenseRetrieverOptions } from './search/dense-retriever.ts';
export { closeEmbedders, openEmbedders, openRetriever, retrieverNamed } from './search/retrievers.ts';
export type { OpenEmbedders, OpenRetriever, RetrieverContext, RetrieverPlan } from './search/retrievers.ts';
export type { Reranked, Reranking } from './search/reranking.ts';
export { LexicalRetriever } from './search/lexical-retriever.ts';
export { explainAnswer, prepareExplanation } from './search/explain.ts';
export type { ExplainedHit, ExplainedTerm, Explanation, TermOrigin } from './search/explain.ts';
export { Background } from './search/background.ts';
export { defaultEarlyStop, earlyStopName, earlyStopNamed, type EarlyStop } from './search/early-stop.ts';
export { StableRanking, type StableRankingOptions } from './search/stable-ranking.ts';
export { tokenEstimate } from './search/token-estimate.ts';
export type { Gate, GateDecision } from './search/gate.ts';
export { joinNamed, joins, type Join } from './search/join.ts';
export { keyTerms, withKeyTerms, type KeptTerms } from './search/key-terms.ts';
export { rankBiasedOverlap } from './search/rank-biased-overlap.ts';
export { reasoningAbout } from './search/reasoning.ts';
export { callsOf } from './search/reasoning-plan.ts';
export type { Reasoning, ReasoningOptions, ReasoningPlan, Round } from './search/reasoning-plan.ts';
export type { Rounds } from './search/rounds.ts';
export type { SearchPlanning } from './search/searches.ts';
export { answer, answerReasoned } from './search/pipeline.ts';
export type { Answer, AnswerOptions, Pipeline, RetrievedWith } from './search/pipeline.ts';
export { gateOf, openGate, reasoningDifferences } from './search/calibrated-gate.ts';
export type { CalibratedGate } from './search/calibrated-gate.ts';
export { readGateRecord, writeGateRecord, type GateRecord } from './search/gate-file.ts';
export { ruleReasons, ruleText, type GateRule } from './search/gate-rule.ts';
export { factNames, queryFacts, type FactName } from './search/query-facts.ts';
export { queryTraits, type QueryTraits } from './search/query-traits.ts';
export { isTermRetriever } from './search/retriever.ts';
export type {
  GrowingRanking,
  Retriever,
  SearchOptions,
  TermRetriever,
  TermShare,
} from './search/retriever.ts';

export { evaluateRun, formatMeasure, parseMeasures, topicMeasures } from './evaluate/measures.ts';
export type { EvaluationSettings, Measure, RankingSettings, RunMeasures } from './evaluate/measures.ts';
export { comparePaired, compareRuns } from './evaluate/comparison.ts';
export { bootstrapInterval, holm, meanOf, type Interval } from './evaluate/statistics.ts';
export {
  bestMean,
  crossValidated,
  foldsOf,
  repeatedlyCrossValidated,
  trainingTopics,
} from './evaluate/cross-validation.ts';
export type {
  Candidate,
  CrossValidated,
  CrossValidationInput,
  Fold,
  FoldSettings,
  RepeatedCrossValidation,
} from './evaluate/cross-validation.ts';
export type {
  Comparison,
  ComparisonSettings,
  PairedComparison,
  RunComparison,
  RunSummary,
} from './evaluate/comparison.ts';
export { kendallTau, spearmanRho } from './evaluate/rank-correlation.ts';
export { macroMean } from './evaluate/macro-mean.ts';
export { runName } from './evaluate/run-name.ts';
export { evaluateNamed } from './evaluate/evaluate-named.ts';
export type { NamedEvaluation, NamedEvaluationOptions } from './evaluate/evaluate-named.ts';
export { evaluateCollection } from './evaluate/evaluation.ts';
export type { Evaluation, EvaluationOptions, Judged, TopicAnswer } from './evaluate/evaluation.ts';
export { gateCalibration, calibratedRule } from './evaluate/gate-calibration.ts';
export type { GateCalibration, GateSettings, PlainTopic } from './evaluate/gate-calibration.ts';
export { gateEvidence } from './evaluate/gate-evidence.ts';
export type { ChanceComparison, GainCounts, GateEvidence } from './evaluate/gate-evidence.ts';
export type { GateEvidenceSettings } from './evaluate/gate-evidence.ts';
export type { AdjustedP } from './evaluate/statistics.ts';
export type { GateTopic } from './evaluate/gate-fitting.ts';
export { tuned, type Tuning } from './evaluate/tuning.ts';
export { answerCandidates, type AnswerCandidate } from './evaluate/tuning-candidates.ts';
export type { AdjustedComparison, CombinationTuning } from './evaluate/tuning-combination.ts';
export { tuningMeasurements } from './evaluate/tuning-measurements.ts';
export type { MeasuringOptions, TuningMeasurements } from './evaluate/tuning-measurements.ts';
export { tuneNamed, type NamedTuning, type NamedTuningOptions } from './evaluate/tune-named.ts';
export { trafficReport } from './evaluate/traffic.ts';
export type { ReasonerTraffic, TrafficInput, TrafficReport, TrafficShare } from './evaluate/traffic.ts';
export { reasoningCost, type ReasoningCost, type TrafficAmount } from './evaluate/reasoning-cost.ts';
export { buildReport, type Report, type ReportedRun, type ReportInput } from './evaluate/report.ts';
export { reportHtml } from './evaluate/report-html.ts';
export type { Embedder, EmbedderIdentity, TextKind } from './dense/embedder.ts';
export { openEmbedder } from './dense/embedders.ts';
export type { DenseModelOptions, EmbedderOptions, RerankerOptions } from './dense/model-options.ts';
export type { EmbeddingSettings, PartialSettings, Pooling } from './dense/embedding-settings.ts';
export type { Reranker } from './dense/reranker.ts';
export { defaultPassages, passagesName, passagesNamed, passagesOf } from './dense/passages.ts';
export type { PassageSettings } from './dense/passages.ts';
export type { Aggregation } from './dense/aggregation.ts';
export { precisions, type Precision } from './dense/row-layout.ts';
export { embedAll, type EmbedAllOptions, type EmbeddingCounts } from './dense/embed-all.ts';
export { EmbeddingJournal } from './dense/embedding-journal.ts';
export { VectorIndex, type VectorSearchOptions } from './dense/vector-index.ts';
export { mostExactVectors, writeVectorIndex } from './dense/vector-index-writer.ts';
export type { VectorDocument, VectorIndexOptions } from './dense/vector-index-writer.ts';
export { listVectorIndexes } from './dense/vector-manifest.ts';
export type {
  IndexedEmbedder,
  ListedVectorIndex,
  MeasuredRecall,
  SearchMethod,
  VectorManifest,
} from './dense/vector-manifest.ts';
export { embedCorpus } from './dense/embed-corpus.ts';
export type { EmbedCorpusOptions, EmbedCorpusSummary } from './dense/embed-corpus.ts';
export type { DenseSettings } from './dense/dense-settings.ts';
export { embedAhead, type EmbedAheadOptions } from './dense/embed-ahead.ts';
export { vectorsInfo, type VectorsInfo } from './dense/vectors-info.ts';
export { openIndexVectors } from './dense/index-vectors.ts';
export { hasVectors } from './dense/vectors-made.ts';
export type { IndexVectors, OpenIndexVectorsOptions } from './dense/index-vectors.ts';
export { openReranker } from './dense/rerankers.ts';

export type { Reward, RewardItem, RewardResult } from './reward/reward.ts';
export type { Fault, Gain, ReadItem, RewardPart } from './reward/reward-part.ts';
export { rewardNamed, type RewardSettings } from './reward/rewards.ts';
export { remoteReward, type RemoteRewardOptions } from './reward/remote-reward.ts';
export { reasonedQueryOf, type CompletionFailure, type ReadCompletion } from './reward/completion.ts';
export { KeptVectors, type TextToEmbed, type VectorOf } from './reward/kept-vectors.ts';
export { LexicalGain } from './reward/lexical-gain.ts';
export { SimilarityGain, type SimilaritySettings } from './reward/similarity-gain.ts';
export { WeightedReward, type WeightedPart } from './reward/weighted-reward.ts';
export { RetrievalGain } from './reward/retrieval-gain.ts';
export { gradedRank, rankMeasureNamed, type RankMeasure } from './reward/rank-measure.ts';
export { lexicalCollection, vectorCollection } from './reward/reward-collection.ts';
export type { PositiveSearch, RewardCollection, VectorSearch } from './reward/reward-collection.ts';
export { lexicalBatch, vectorBatch } from './reward/batch-collection.ts';
export { ablation } from './reward/ablation.ts';
export type { Ablation, AblationInput, Correlation, RewardAblation } from './reward/ablation.ts';
export { ablateNamed, type NamedAblation, type NamedAblationOptions } from './reward/ablate-named.ts';
export { serveReward, type RewardServer, type RewardServerOptions } from './reward/server/reward-server.ts';
export { openRlhfScore } from './reward/server/openrlhf-protocol.ts';

export { curate, type CurateResult } from './curate/curate.ts';
export { positiveKinds, type CurateOptions, type PositiveKind } from './curate/curate-options.ts';
export type { Curation, DomainFacts, Example, Histogram, SourceFacts } from './curate/curation.ts';
export type { Fault as DataFault } from './curate/faults.ts';
export type { TrainingRecord } from './curate/output/training-record.ts';
export { stageNames, type StageName, type StageRecord } from './curate/stage-record.ts';
export { preferenceScore, siteDomain } from './curate/stack-exchange.ts';
export { htmlText, type PostText } from './curate/html-text.ts';
export { trainingPrompt } from './reason/prompt.ts';
