export interface PythonClients {
  /** The interpreter. */
  readonly python: string;
  /** To be added to its environment: it finds the clients there. */
  readonly environment: { readonly PYTHONPATH: string };
}

/** Python's MQTT client (paho-mqtt) in `.services/python`, fetched from PyPI once for this checkout. Several processes may call this at once. */
export function ensurePythonClients(options?: {
  /** Each step with its seconds. Default: silent. */
  readonly report?: (line: string) => void;
}): Promise<PythonClients>;
