/** What the page has to know of its server. */
export interface Session {
  /** Of run-pipeline: `0.1.0`. */
  readonly version: string;
  /** Changes when the server is started again. */
  readonly server: string;
  /** Name of the project's root directory, for the title. */
  readonly project: string;
  /** Absolute, for copying commands. */
  readonly root: string;
  /** The server's clock, ISO: elapsed times are told by it, not by the browser's. */
  readonly now: string;
  /** False: the server was started to look only; every action is refused. */
  readonly actions: boolean;
}
