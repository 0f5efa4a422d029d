/** The web page's server: REST for what is, one stream for what changes, actions, bytes of artifacts. */
export { startServer, DEFAULT_PORT, type RunningServer, type ServerOptions } from './start-server.js';
