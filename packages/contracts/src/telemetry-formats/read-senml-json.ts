import { isRejection, type Rejection } from '../errors.js';
import { parseJson } from '../parse-json.js';
import type { TelemetryPayload } from '../telemetry/parse-telemetry.js';
import { senmlPack } from './senml-pack.js';

/** SenML in JSON (RFC 8428, section 5). */
export function readSenmlJson(payload: Uint8Array, nowMs: number): TelemetryPayload | Rejection {
  const parsed = parseJson(payload);
  return isRejection(parsed) ? parsed : senmlPack(parsed.value, nowMs);
}
