import { deviceTopicPrefix, splitDeviceTopic } from '@fieldgate/contracts';

/** A device publishes only below its own `devices/{deviceId}/`. Without wildcards: a topic name has none (MQTT 5, 4.7.1). */
export function mayPublish(deviceId: string, topic: string): boolean {
  return splitDeviceTopic(topic)?.deviceId === deviceId;
}

/** A filter that can match nothing outside `devices/{deviceId}/`: its first two levels are literally these. */
export function maySubscribe(deviceId: string, filter: string): boolean {
  return filter.startsWith(deviceTopicPrefix(deviceId)) && filter.length > deviceTopicPrefix(deviceId).length;
}
