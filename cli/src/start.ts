import type { AddressInfo } from 'node:net';
import { FieldgateError } from '@fieldgate/contracts';
import { Gateway } from '@fieldgate/gateway';
import { loadAdminKey, type AdminKey } from '@fieldgate/operator-api';
import { createLogger, Readiness, Supervisor, type Environment, type Logger } from '@fieldgate/service';
import { compose } from './compose.js';
import { checkRoles, type Role } from './roles.js';
import { readSettings, unknownSettings } from './settings.js';

export interface Running {
  readonly logger: Logger;
  /** `http://host:port` of the operator API and health. */
  readonly httpUrl: string;
  /** Of the role operator-api. */
  readonly adminKey: AdminKey | undefined;
  /** What the environment said that it is; a new one is in `adminKey`. */
  readonly configuredKey: string | undefined;
  /** Resolves when every part can do its job. */
  ready(): Promise<void>;
  /** `mqtt://host:port`, once ready; undefined without the role `gateway`. */
  mqttUrl(): string | undefined;
  stop(): Promise<void>;
  onFailure(listener: (error: unknown) => void): void;
  /** Resolves when something has failed for good. */
  readonly failed: Promise<void>;
}

/** Starts roles in this process; resolves when HTTP answers (not ready yet), rejects with a FieldgateError that says what to do. */
export async function start(roles: readonly Role[], environment: Environment): Promise<Running> {
  const settings = readSettings(environment);
  checkRoles(roles, {
    kafka: settings.FIELDGATE_KAFKA_BROKERS !== undefined,
    influx: settings.FIELDGATE_INFLUX_URL !== undefined,
  });
  const format = settings.FIELDGATE_LOG_FORMAT;
  const logger = createLogger({
    level: settings.FIELDGATE_LOG_LEVEL,
    pretty: format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true),
  });
  const unknown = unknownSettings(environment);
  if (unknown.length > 0) logger.warn({ variables: unknown }, 'unknown settings ignored');
  const supervisor = new Supervisor(logger);
  const readiness = new Readiness();
  const adminKey = roles.includes('operator-api')
    ? await loadAdminKey({
        dataDir: settings.FIELDGATE_KAFKA_BROKERS ? undefined : settings.FIELDGATE_DATA_DIR,
        configured: settings.FIELDGATE_ADMIN_KEY,
      })
    : undefined;
  const application = await compose(roles, settings, {
    logger,
    supervisor,
    readiness,
    adminKeyHash: adminKey?.hash,
  });
  const { FIELDGATE_HTTP_HOST: host, FIELDGATE_HTTP_PORT: port } = settings;
  try {
    await application.init(); // before the consumers: they need what onModuleInit opens
    await application.startAllMicroservices();
    await application.listen(port, host);
  } catch (error) {
    await application.close();
    throw listenError(error, host, port);
  }
  const address = application.getHttpServer().address() as AddressInfo; // a TCP server that listens has one
  const httpUrl = urlOf('http', address);
  logger.info({ http: httpUrl }, 'http listening'); // ready may come much later: /readyz says what is waited for
  const gateway = roles.includes('gateway') ? application.get(Gateway) : undefined;
  return {
    logger,
    httpUrl,
    adminKey,
    configuredKey: settings.FIELDGATE_ADMIN_KEY,
    ready: () => readiness.ready(),
    mqttUrl: () => (gateway?.address ? urlOf('mqtt', gateway.address) : undefined),
    stop: () => application.close(),
    onFailure: (listener) => supervisor.onFailure(listener),
    failed: new Promise((resolve) => supervisor.onFailure(() => resolve())),
  };
}

function urlOf(scheme: string, { address, family, port }: AddressInfo): string {
  const host =
    address === '0.0.0.0' || address === '::' ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `${scheme}://${host}:${port}`;
}

function listenError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException; // undefined for everything that is not a system error
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const reason = code === 'EACCES' ? 'the system keeps ports below 1024' : 'another program does';
    const detail = `HTTP cannot listen on ${host}:${port} (FIELDGATE_HTTP_PORT): ${reason}`;
    return new FieldgateError('port-taken', detail, { cause: error });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new FieldgateError('config-invalid', `FIELDGATE_HTTP_HOST: this machine has no address ${host}`, {
      cause: error,
    });
  }
  return error;
}
