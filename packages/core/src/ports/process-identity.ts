/** Enough to tell whether a process still lives and is the same one. */
export interface ProcessIdentity {
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  /** From the kernel where it tells (clock ticks since boot), else the time it registered. */
  readonly startTime: string;
  /** Process group of a worker; absent for controllers. */
  readonly processGroup?: number;
}
