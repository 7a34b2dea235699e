/** A fault whose message is all an operator needs: one line that says what is wrong and what to do. Printed without a stack. */
export class ServiceError extends Error {
  name = 'ServiceError';
}

/** @param {unknown} error */
export function printFault(error) {
  console.error(error instanceof ServiceError ? error.message : error);
}
