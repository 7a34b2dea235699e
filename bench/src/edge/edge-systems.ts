import { Child } from '../systems/child.js';
import {
  allInOne,
  answering,
  embeddedGateway,
  freePort,
  kafkaGateway,
  mosquitto,
  stopping,
  withServer,
  type IngestSystemKind,
} from '../systems/ingest-systems.js';

/** The ceiling, and the edge with nothing behind it: both make a record of each message and settle in groups of 2 ms. */
export const leastServer: IngestSystemKind = {
  name: 'least server, no log',
  during: (use) => withServer('processes/least-server.js', [], [], use),
};
export const edgeAlone: IngestSystemKind = {
  name: 'edge alone, no log',
  during: (use) => withServer('processes/edge-alone.js', [], [], use),
};

/** A server of somebody else: `node FILE PORT`, which lets everybody in. */
export function otherServer(file: string): IngestSystemKind {
  return {
    name: 'given server',
    during: async (use) => {
      const port = await freePort();
      const child = Child.start([process.execPath, file, String(port)]);
      return stopping(child, async () => {
        await answering(port);
        return use({ port, pid: child.pid });
      });
    },
  };
}

export { allInOne, embeddedGateway, kafkaGateway, mosquitto };
