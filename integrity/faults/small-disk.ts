import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A file system of its own in memory at a folder. Needs the right to mount, which root has, also in most containers. */
export class SmallDisk {
  private constructor(private readonly folder: string) {}

  static async mount(folder: string, megabytes: number): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true });
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  /** Refused by the system while a file is open for writing. */
  async setReadOnly(isReadOnly: boolean): Promise<void> {
    await execute('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.folder]);
  }

  async unmount(): Promise<void> {
    await execute('umount', [this.folder]);
  }
}
