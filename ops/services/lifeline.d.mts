export interface OwnProcess {
  readonly pid: number;
  /** Part of its command line: a process id alone proves nothing. */
  readonly marker: string;
}

/** Killed when this process ends, however it ends. */
export function watchProcess(own: OwnProcess): void;
export function forgetProcess(own: OwnProcess): void;
