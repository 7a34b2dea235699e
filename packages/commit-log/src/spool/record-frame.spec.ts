import { describe, expect, it } from '@jest/globals';
import {
  decodeRecord,
  FrameEncoder,
  frameBound,
  frameLengthAt,
  isBodyIntact,
  isRecordFrame,
  seedOf,
  type SpooledRecord,
} from './record-frame.js';

const PLACE = { position: 2 ** 32 + 4_711, salt: 0x89abcdef };
const SEED = seedOf(PLACE.position, PLACE.salt);
const RECORD: SpooledRecord = {
  topic: 'fieldgate.telemetry.v1',
  key: 'pump-7',
  value: Buffer.from([0, 1, 255]),
  timestampMs: 1_700_000_000_123,
};

function framesOf(records: readonly SpooledRecord[]): Buffer {
  const encoder = new FrameEncoder();
  encoder.begin(
    records.reduce((sum, record) => sum + frameBound(record), 0),
    PLACE,
  );
  for (const record of records) encoder.addRecord(record);
  return encoder.finished();
}

function isValid(frame: Buffer, seed = SEED): boolean {
  const length = frameLengthAt(frame, 0, seed);
  return length === frame.length && isBodyIntact(frame, 0, length);
}

describe('a record in its frame', () => {
  it.each<[string, SpooledRecord]>([
    ['plain', RECORD],
    ['a tombstone', { ...RECORD, value: null }],
    ['with an empty value', { ...RECORD, value: Buffer.alloc(0) }],
    ['with a partition key', { ...RECORD, partitionKey: 'gateway-2' }],
    ['with an empty partition key', { ...RECORD, partitionKey: '' }],
    ['with a key that is not ASCII', { ...RECORD, key: 'Pümpe-東京-🏭' }],
    ['with a long key', { ...RECORD, key: 'ä'.repeat(500), partitionKey: 'x'.repeat(200) }],
    ['of before 1970', { ...RECORD, timestampMs: -1 }],
  ])('comes back as it was: %s', (_, record) => {
    const frame = framesOf([record]);
    expect(isValid(frame)).toBe(true);
    expect(isRecordFrame(frame, 0)).toBe(true);
    expect(decodeRecord(frame, 0, frame.length)).toStrictEqual(record);
    expect(frame.length).toBeLessThanOrEqual(frameBound(record));
  });

  it('is not valid with any of its bits flipped', () => {
    const frame = framesOf([RECORD]);
    const missed = Array.from({ length: frame.length * 8 }, (_, bit) => bit).filter((bit) => {
      const flipped = Buffer.from(frame);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return isValid(flipped);
    });
    expect(missed).toEqual([]);
  });

  it('is valid in its place and in its file only', () => {
    const frame = framesOf([RECORD]);
    const { position, salt } = PLACE;
    expect(isValid(frame, seedOf(position + 1, salt))).toBe(false);
    expect(isValid(frame, seedOf(position - 2 ** 32, salt))).toBe(false);
    expect(isValid(frame, seedOf(position, salt + 1))).toBe(false);
  });

  it('keeps its bytes apart from those of the next group', () => {
    const encoder = new FrameEncoder();
    const big = { ...RECORD, value: Buffer.alloc(1_000_000, 'x') };
    encoder.begin(frameBound(big), PLACE);
    encoder.addRecord(big);
    expect(isValid(encoder.finished())).toBe(true);
    encoder.begin(frameBound(RECORD), PLACE);
    encoder.addRecord(RECORD);
    expect(encoder.finished()).toEqual(framesOf([RECORD]));
  });
});
