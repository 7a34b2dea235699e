import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceError } from './service-error.mjs';

/** This folder. */
export const SERVICES_SOURCE = dirname(fileURLToPath(import.meta.url));

/** Everything that is fetched or written at run time; ignored by git. */
export const SERVICES_STATE = join(SERVICES_SOURCE, '..', '..', '.services');

/**
 * The path of an installed program.
 * @param {string} program
 * @param {string} debianPackage named in the refusal
 * @param {string[]} folders looked at before PATH
 */
export function findProgram(program, debianPackage, folders = []) {
  for (const folder of [...folders, ...(process.env.PATH ?? '').split(delimiter)]) {
    const candidate = join(folder, program);
    if (folder !== '' && isExecutable(candidate)) return candidate;
  }
  throw new ServiceError(`${program} is not installed: on Debian, apt-get install ${debianPackage}`);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
