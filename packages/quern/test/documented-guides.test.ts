/** What the README and the guides tell to do is done. */
import { followDocuments, isGuide } from './documented/follow.ts';

followDocuments(isGuide);
