import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf } from '../embedded/system-error.js';
import type { SpoolPosition } from './record-frame.js';
import { OWNER_ONLY, syncDirectory, type OpenFile } from './segment-appender.js';

const MAGIC = 0x4d534746; // "FGSM"
const BYTES = 16;

/**
 * Before which position everything is in the log, as a file: `u32 magic "FGSM" · f64 position · u32 CRC-32 of both`, little endian. It is replaced
 * as a whole: after a crash it is the old one or the new one.
 */
export class SpoolMark {
  readonly path: string;

  constructor(
    private readonly directory: string,
    private readonly openFile: OpenFile,
  ) {
    this.path = join(directory, 'released.mark');
  }

  /** undefined: there is none yet. */
  async load(): Promise<SpoolPosition | 'damaged' | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const isIntact =
      bytes.length === BYTES &&
      bytes.readUInt32LE(0) === MAGIC &&
      bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12));
    return isIntact ? bytes.readDoubleLE(4) : 'damaged';
  }

  async save(position: SpoolPosition): Promise<void> {
    const bytes = Buffer.alloc(BYTES);
    bytes.writeUInt32LE(MAGIC, 0);
    bytes.writeDoubleLE(position, 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    const draft = `${this.path}.new`;
    const file = await this.openFile(draft, 'w', OWNER_ONLY);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.path);
    await syncDirectory(this.directory, this.openFile);
  }
}
