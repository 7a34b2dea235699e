import { expect, it } from '@jest/globals';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { pause } from '@fieldgate/service';
import { commonName } from '../testing/common-name.js';
import { givenCertificate } from '../testing/given-certificate.js';
import { atEndOfTest } from '../testing/given-gateway.js';
import { startGateway } from '../testing/test-gateway.js';

/** The files are looked at every 10 s. */
const SEEN_WITHIN_MS = 20_000;

it(
  'the ports of a running gateway show a renewed certificate',
  async () => {
    const log = createMemoryLog();
    await log.start();
    const certificate = await givenCertificate();
    const gateway = await startGateway(log, { tlsPort: 0, secureWebSocketPort: 0, certificate });
    atEndOfTest(() => gateway.stop());
    const shown = () =>
      Promise.all(['mqtts', 'wss'].map((scheme) => commonName(gateway.ports.get(scheme) ?? 0)));
    expect(await shown()).toEqual(['first.example', 'first.example']);
    await certificate.renew('second.example');
    const until = performance.now() + SEEN_WITHIN_MS;
    while ((await shown()).includes('first.example') && performance.now() < until) await pause(100);
    expect(await shown()).toEqual(['second.example', 'second.example']);
  },
  SEEN_WITHIN_MS + 5_000,
);
