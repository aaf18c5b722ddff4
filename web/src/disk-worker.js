/**
 * The disk worker: holds the files. Wires the parts together.
 */
import { opfsStore } from './adapters/opfs.js';
import { serveStore } from './remote-store.js';

serveStore(/** @type {any} */ (self), opfsStore());
