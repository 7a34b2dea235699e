import { describe, expect, it } from '@jest/globals';
import { gatewayHeartbeatSchema } from './session.js';
import { encodeTableRow, tableRows } from './table-row.js';

const HEARTBEAT = { gateway: 'gw-1', boot: 'b1', at: 1, startedAt: 0, connections: 2, stopping: false };
const row = { key: 'gw-1/b1', id: 'b1-1', atMs: 1_763_600_000_000, data: HEARTBEAT };

describe('a row of a table', () => {
  it('is a CloudEvent', () => {
    expect(JSON.parse(Buffer.from(encodeTableRow('fieldgate.gateways.v1', row)).toString())).toEqual({
      specversion: '1.0',
      type: 'fieldgate.gateways.v1',
      source: '/gateways/gw-1/b1',
      subject: 'gw-1/b1',
      id: 'b1-1',
      time: '2025-11-20T00:53:20.000Z',
      receivedtime: '2025-11-20T00:53:20.000Z',
      datacontenttype: 'application/json',
      data: HEARTBEAT,
    });
  });

  it('is read back by its own table only', () => {
    const value = encodeTableRow('fieldgate.gateways.v1', row);
    expect(tableRows('fieldgate.gateways.v1', gatewayHeartbeatSchema)(value)).toEqual(HEARTBEAT);
    expect(tableRows('fieldgate.sessions.v1', gatewayHeartbeatSchema)(value)).toBeUndefined();
  });

  it.each(['', 'not json', '{}', '[]', '{"type":"fieldgate.gateways.v1"}'])('is not read from %j', (text) => {
    expect(tableRows('fieldgate.gateways.v1', gatewayHeartbeatSchema)(Buffer.from(text))).toBeUndefined();
  });
});
