import type { Credentials } from './packets.js';

/** Every device of a bench has the same secret: logging in is part of the load, guessing is not. */
export function benchDevices(count: number): readonly Credentials[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `bench-${String(index).padStart(5, '0')}`,
    secret: 'bench-device-secret-0001',
  }));
}
