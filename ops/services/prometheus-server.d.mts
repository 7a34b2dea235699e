export interface PrometheusServer {
  readonly url: string;
  readonly port: number;
  /** Of the running process; undefined while there is none. */
  readonly pid: number | undefined;
  /** SIGTERM, SIGKILL after 15 s. A temporary folder is deleted when this process ends. */
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** The text of prometheus.yml. Relative paths in it are of the data folder: name rule files by their whole path. */
  readonly config: string;
  /** Left out: a temporary folder, deleted when this process ends. */
  readonly dataDir?: string;
  /** Left out: a free port. */
  readonly port?: number;
  /** True: outlives this process. Default false: ends with it, however it ends. */
  readonly keepRunning?: boolean;
  /** Each step with its seconds. Default: silent. */
  readonly report?: (line: string) => void;
}

/** Starts a real Prometheus on 127.0.0.1 and returns when it answers queries. A configuration that it refuses is an error with its last lines. */
export function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer>;

/** Prometheus' own checker of configurations and rules, with these arguments: its exit code and everything it said. */
export function promtool(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }>;
