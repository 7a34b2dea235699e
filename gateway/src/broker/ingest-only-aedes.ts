import type { EventEmitter } from 'node:events';
import { Aedes, type AedesOptions, type Client } from 'aedes';
import type { Packet } from 'mqtt-packet';

/** Public methods of aedes 2.0.0-beta.1 that its types leave out. */
interface Registrar {
  registerClient(client: Client): void;
  unregisterClient(client: Client): void;
  scheduleSessionExpiry(client: Client): void;
}
const AedesWithRegistrar = Aedes as unknown as new (options: AedesOptions) => Aedes & Registrar; // the same class

/** aedes without its fan-out: nothing that a device publishes is forwarded, and its own $SYS messages go nowhere. */
export class IngestOnlyAedes extends AedesWithRegistrar {
  // a null prototype: a device may be called `constructor`, and must not find an inherited member under its name
  readonly clients: Readonly<Record<string, Client>> = Object.create(null) as Record<string, Client>; // nothing in it yet

  /** Hears of a connection that is about to be closed for a newer one. */
  onTakeOver: (client: Client) => void = () => undefined;

  override publish(_packet: unknown, client: unknown, done?: () => void): void {
    const finished = typeof client === 'function' ? (client as () => void) : done; // aedes' own overload: the client may be left out
    finished?.();
  }

  /** A connection that ended during its handshake must not take the living one over. */
  override registerClient(client: Client): void {
    if (client.closed) return;
    const living = this.clients[client.id];
    if (living) this.onTakeOver(living);
    super.registerClient(client);
  }

  /** aedes goes by the id alone: a connection that is reset during its handshake would take the living one of the same device off the list. */
  override unregisterClient(client: Client): void {
    if (this.clients[client.id] === client) super.unregisterClient(client);
  }

  override scheduleSessionExpiry(client: Client): void {
    const living = this.clients[client.id];
    if (living === undefined || living === client) super.scheduleSessionExpiry(client);
  }
}

/** aedes keeps a client's subscriptions in a plain object: UNSUBSCRIBE `constructor` would find an inherited member and end the process. */
export function guardPrototype(client: Client): void {
  const { subscriptions } = client as Client & { readonly subscriptions: object }; // a property that aedes' types leave out
  Object.setPrototypeOf(subscriptions, null);
}

/** The CONNACK names an id only where aedes thinks that it chose it itself. */
export function assignClientId(client: Client): void {
  (client as Client & { _assignedClientId?: string })._assignedClientId = client.id; // no hook for CONNACK properties in 2.0.0-beta.1
}

/** Whether the client has sent DISCONNECT; aedes keeps it to itself. */
export function saidGoodbye(client: Client): boolean {
  return (client as Client & { readonly _disconnected?: boolean })._disconnected === true; // what aedes' own close looks at
}

/**
 * mqtt-packet hands over a string that was cut off as null and a property that came twice as a list, and aedes trusts both: one PUBLISH with
 * half a Response Topic would end the process. Such a packet gets a name that aedes does not know, so that it closes the connection.
 */
export function refuseMalformed(client: Client): void {
  const { _parser: parser } = client as Client & { readonly _parser: EventEmitter }; // mqtt-packet's parser; aedes has no hook before its own
  parser.prependListener('packet', (packet: Packet) => {
    if (isMalformed(packet)) Object.assign(packet, { cmd: 'malformed' });
  });
}

/** [MQTT-1.5.4-1], and 2.2.2.2: only User Property may appear more than once in what a client sends. */
export function isMalformed(packet: object): boolean {
  const properties = 'properties' in packet ? packet.properties : undefined;
  if (typeof properties !== 'object' || properties === null) return false;
  return Object.entries(properties).some(
    ([name, value]) => value === null || (name !== 'userProperties' && Array.isArray(value)),
  );
}
