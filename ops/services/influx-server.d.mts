export interface InfluxServer {
  readonly url: string;
  readonly port: number;
  /** Of the running process; undefined while there is none. */
  readonly pid: number | undefined;
  /** SIGKILL. Returns when the process is gone and its ports are free. */
  kill(): Promise<void>;
  /** Starts it again on its data and returns when it answers /ping. */
  start(): Promise<void>;
  /** SIGTERM, SIGKILL after 15 s. The data stays. */
  stop(): Promise<void>;
  /** SIGSTOP: it answers nothing, its connections stay open. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

export interface InfluxOptions {
  /** Left out: a temporary folder, deleted when this process ends. */
  readonly dataDir?: string;
  /** Left out: free ports. */
  readonly ports?: { readonly http: number; readonly rpc: number };
  /** Settings as InfluxDB reads them from its environment, `INFLUXDB_HTTP_AUTH_ENABLED`: they stand above its configuration file. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** True: outlives this process. Default false: ends with it, however it ends. */
  readonly keepRunning?: boolean;
  /** Each step with its seconds. Default: silent. */
  readonly report?: (line: string) => void;
}

/** Starts a real InfluxDB 1.x on 127.0.0.1, without authentication unless `environment` asks for it, and returns when it answers /ping. */
export function startInflux(options?: InfluxOptions): Promise<InfluxServer>;
