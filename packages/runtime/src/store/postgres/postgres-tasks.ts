import { StoreAccess } from './access.js';

/** The operations of `TaskStore`; what they do is in the files named after what they are about. */
export class PostgresTasks extends StoreAccess {}
