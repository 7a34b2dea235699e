import { Deployment } from './support/deployment.js';
import { describeStopsInOrder } from './support/promises/stops-in-order.js';

describeStopsInOrder(() => Deployment.embedded());
