/**
 * The disk worker: holds the files. Wires the parts together.
 */
import { opfsStore } from '../adapters/opfs.js';
import { serveStore } from './serve-store.js';

const store = opfsStore();
self.addEventListener('message', ({ data }) => serveStore(data.port, store), { once: true });
