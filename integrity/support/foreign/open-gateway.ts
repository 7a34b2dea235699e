import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { FieldgateProcess } from '../fieldgate-process.js';
import { Operator } from '../operator.js';
import { temporaryFolder } from '../temporary-folder.js';

/** How a device may come in. */
export const SCHEMES = ['mqtt', 'mqtts', 'ws', 'wss'] as const;
export type Scheme = (typeof SCHEMES)[number];

const HOST = '127.0.0.1';
const IP_ADDRESS = 7; // the kinds of names in a certificate, RFC 5280
const IS_SECURE: Readonly<Record<Scheme, boolean>> = { mqtt: false, mqtts: true, ws: false, wss: true };

/** All roles in one process, which devices reach over TCP, TLS, WebSocket and secure WebSocket. */
export class OpenGateway {
  private constructor(
    private readonly fieldgate: FieldgateProcess,
    private readonly ports: ReadonlyMap<string, number>,
    readonly operator: Operator,
    /** PEM: its own certificate, which is all that a client has to trust. */
    readonly certFile: string,
    private readonly clear: () => Promise<void>,
  ) {}

  static async start(): Promise<OpenGateway> {
    const folder = await temporaryFolder();
    const { path } = folder;
    const { certFile, keyFile } = await certificateIn(path);
    const fieldgate = await FieldgateProcess.start({
      FIELDGATE_DATA_DIR: join(path, 'data'),
      FIELDGATE_GATEWAY_ID: 'gw-open',
      FIELDGATE_MQTT_TLS_PORT: '0',
      FIELDGATE_MQTT_WS_PORT: '0',
      FIELDGATE_MQTT_WSS_PORT: '0',
      FIELDGATE_MQTT_TLS_CERT_FILE: certFile,
      FIELDGATE_MQTT_TLS_KEY_FILE: keyFile,
    });
    const operator = new Operator(await fieldgate.httpUrl());
    return new OpenGateway(fieldgate, portsOf(fieldgate.lines.all), operator, certFile, () =>
      folder.remove(),
    );
  }

  portOf(scheme: Scheme): number {
    const port = this.ports.get(scheme);
    if (port === undefined) throw new Error(`the gateway does not listen for ${scheme}`);
    return port;
  }

  /** Undefined where nothing is encrypted. */
  trustFor(scheme: Scheme): string | undefined {
    return IS_SECURE[scheme] ? this.certFile : undefined;
  }

  async stop(): Promise<void> {
    const code = await this.fieldgate.stop();
    await this.clear();
    if (code !== 0) throw new Error(`the gateway ended with ${code}:\n${this.fieldgate.stderr}`);
  }
}

/** For the address that the clients use: they are not told to overlook anything. */
async function certificateIn(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'fieldgate.example' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: IP_ADDRESS, ip: HOST }] }],
  });
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile };
}

/** As its log names them. */
function portsOf(lines: readonly string[]): ReadonlyMap<string, number> {
  const entries = lines
    .filter((line) => line.includes('"mqtt listening"'))
    .map((line) => JSON.parse(line) as { scheme: string; port: number }); // of our own log
  return new Map(entries.map(({ scheme, port }) => [scheme, port]));
}
