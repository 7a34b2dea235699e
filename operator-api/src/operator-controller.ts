import {
  applyDecorators,
  Controller,
  StandardSchemaValidationPipe,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { CaughtUpGuard } from './catch-up.js';
import { invalidRequest } from './http/problem.js';

/**
 * Validates what carries a schema. Nest's own removes keys like `constructor` in silence, also from a command's params; here nothing is
 * taken away unsaid: `JsonOnly` has refused `__proto__` already, and no value of ours is merged into an object.
 */
class RequestSchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

const schemas = new RequestSchemaPipe({ exceptionFactory: invalidRequest });

/** A controller under `/v1`, where `ApiKey` stands before it: only when caught up with the log, and only with what its schemas allow. */
export function OperatorController(path = ''): ClassDecorator {
  return applyDecorators(
    Controller(path === '' ? 'v1' : `v1/${path}`),
    UseGuards(CaughtUpGuard),
    UsePipes(schemas),
  );
}
