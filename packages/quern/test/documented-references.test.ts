/** What the documents beside the guides tell to do is done. */
import { followDocuments, isGuide } from './documented/follow.ts';

followDocuments((document) => !isGuide(document));
