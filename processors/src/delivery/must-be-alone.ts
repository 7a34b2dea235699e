import type { PartitionAssignment } from '@fieldgate/commit-log';
import { FieldgateError } from '@fieldgate/contracts';

/**
 * Throws `log-unavailable` when another member may be at the same records, as after a freeze: what only one may write, it writes when the batch
 * comes again.
 */
export function mustBeAlone(assignment: PartitionAssignment): void {
  if (assignment.isAlone()) return;
  const { topic, partition } = assignment;
  throw new FieldgateError('log-unavailable', `${topic}/${partition} may be another member's by now`);
}
