import { connect } from 'node:net';

/**
 * The two requests that tell whether a Kafka is ready, written by hand so that this folder needs no client library.
 * Layouts: https://kafka.apache.org/protocol (Metadata v1, DescribeQuorum v0).
 */

const METADATA = 3;
const DESCRIBE_QUORUM = 55;
const CLIENT_ID = 'fieldgate-services';
const TIMEOUT_MS = 2_000;

/**
 * @typedef {{ id: number, leader: number, replicas: number[], isr: number[] }} Partition
 * @typedef {{ name: string, partitions: Partition[] }} Topic
 * @typedef {{ brokers: { id: number, host: string, port: number }[], controllerId: number, topics: Topic[] }} Metadata
 */

/**
 * What one broker knows of the cluster. Only brokers that are registered and unfenced are in it.
 * @param {number} port of 127.0.0.1
 * @param {{ topics?: boolean }} [options] `topics`: all topics too
 * @returns {Promise<Metadata>}
 */
export async function fetchMetadata(port, { topics = false } = {}) {
  const header = requestHeader(METADATA, 1);
  const read = await exchange(port, Buffer.concat([header, int32(topics ? -1 : 0)])); // -1 = all, 0 = none
  read.int32(); // correlation id
  const brokers = read.array(() => {
    const broker = { id: read.int32(), host: read.string(), port: read.int32() };
    read.string(); // rack
    return broker;
  });
  const controllerId = read.int32();
  return { brokers, controllerId, topics: read.array(() => readTopic(read)) };
}

/**
 * The node id of the active controller, -1 while there is none. Asked because the controller that Metadata names in
 * KRaft mode is just any living broker. The broker hands the question on to the controller: without one it times out.
 * @param {number} port of 127.0.0.1
 */
export async function fetchQuorumLeader(port) {
  const noTags = Buffer.from([0]);
  const topic = [
    Buffer.from([2]),
    compactString('__cluster_metadata'),
    Buffer.from([2]),
    int32(0),
    noTags,
    noTags,
    noTags,
  ];
  const read = await exchange(port, Buffer.concat([requestHeader(DESCRIBE_QUORUM, 0), noTags, ...topic]));
  read.int32(); // correlation id
  read.skip(1); // tags of the header
  if (read.int16() !== 0) return -1; // an error code
  read.uvarint(); // topics
  read.skip(read.uvarint() - 1); // name
  read.uvarint(); // partitions
  read.int32(); // partition index
  if (read.int16() !== 0) return -1;
  return read.int32();
}

/** @param {Reader} read */
function readTopic(read) {
  read.int16(); // error code
  const name = read.string();
  read.skip(1); // is internal
  const partitions = read.array(() => {
    read.int16(); // error code
    const [id, leader] = [read.int32(), read.int32()];
    return { id, leader, replicas: read.array(() => read.int32()), isr: read.array(() => read.int32()) };
  });
  return { name, partitions };
}

/**
 * One request and its answer on a connection of their own.
 * @param {number} port
 * @param {Buffer} request
 * @returns {Promise<Reader>}
 */
function exchange(port, request) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error(`no answer on port ${port}`)), TIMEOUT_MS);
    let received = Buffer.alloc(0);
    socket.write(Buffer.concat([int32(request.length), request]));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      resolve(new Reader(received.subarray(4)));
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`port ${port} closed without an answer`)); // no effect after an answer
    });
  });
}

/**
 * @param {number} key
 * @param {number} version
 */
function requestHeader(key, version) {
  const clientId = Buffer.from(CLIENT_ID);
  const head = Buffer.alloc(10);
  head.writeInt16BE(key, 0);
  head.writeInt16BE(version, 2);
  head.writeInt32BE(1, 4); // correlation id
  head.writeInt16BE(clientId.length, 8);
  return Buffer.concat([head, clientId]);
}

/** @param {number} value */
function int32(value) {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

/** @param {string} text shorter than 127 bytes */
function compactString(text) {
  return Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
}

class Reader {
  #buffer;
  #at = 0;

  /** @param {Buffer} buffer */
  constructor(buffer) {
    this.#buffer = buffer;
  }

  int16() {
    this.#at += 2;
    return this.#buffer.readInt16BE(this.#at - 2);
  }

  int32() {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  uvarint() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** Null is read as the empty string. */
  string() {
    const length = Math.max(0, this.int16());
    this.#at += length;
    return this.#buffer.toString('utf8', this.#at - length, this.#at);
  }

  /**
   * @template T
   * @param {() => T} element
   * @returns {T[]}
   */
  array(element) {
    return Array.from({ length: Math.max(0, this.int32()) }, element);
  }

  /** @param {number} bytes */
  skip(bytes) {
    this.#at += bytes;
  }
}
