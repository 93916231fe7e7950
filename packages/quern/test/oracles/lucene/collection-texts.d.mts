/** The names of the collections of texts in the shared data that Lucene's digests are kept for. */
export declare const collectionNames: readonly string[];
/** The texts of one of {@link collectionNames}, read from the shared data's `folder`. */
export declare function collectionTexts(folder: string, name: string): string[];
