import type { Logger } from '@fieldgate/service';
import type { DeviceLink, DeviceSession } from '../sessions/device-session.js';
import type { GoOn } from './device-share.js';
import type { InboundPublish } from './publish.js';

/**
 * Hands over what a message holds as far as its device has room, now and in later turns. Nobody else catches what is thrown there: it must not take
 * the other devices' gateway with it.
 */
export function inShares(
  {
    deviceId,
    link,
    share,
  }: Pick<DeviceSession, 'deviceId' | 'share'> & { readonly link: Pick<DeviceLink, 'close'> },
  publish: Pick<InboundPublish, 'topic' | 'settle'>,
  logger: Logger,
  goOn: GoOn,
): void {
  const safely: GoOn = () => {
    try {
      return goOn();
    } catch (error) {
      logger.error({ deviceId, topic: publish.topic, err: error }, 'message failed, connection closed');
      link.close('internal-error');
      publish.settle('unavailable');
      return true;
    }
  };
  if (share) share.run(safely);
  else safely();
}
