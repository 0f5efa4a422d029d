/** The web page's server: REST for what is, one stream for what changes, actions, bytes of artifacts. */
export { startServer, type RunningServer, type ServerOptions } from './start-server.js';
export {
  findRunningServer,
  linkTo,
  noteServer,
  removeNote,
  settingsOf,
  type NotedServer,
} from './running-server.js';
export { IDLE_VARIABLE, reportReady, startInBackground, stopBackground } from './background.js';
export { openInBrowser } from './open-browser.js';
export { reportRun } from './report/report-run.js';
export { reportHtml } from './report/write-report.js';
