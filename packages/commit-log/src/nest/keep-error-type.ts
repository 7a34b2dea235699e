import { Catch, type ExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/**
 * To be put on every controller of a consumer group: `@UseFilters(KeepErrorType)`. Nest's own filter replaces a handler's error by `Internal
 * server error`, and the reader could no longer tell an outage, which comes again, from a bug, which ends the consumption.
 */
@Catch()
export class KeepErrorType implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
